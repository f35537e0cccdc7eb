"""Whether the application comes up in its cluster: read from Kubernetes, since Helm does not wait."""

from collections.abc import Iterable, Iterator
from typing import Any

from lightkube.core.client import Client, LabelSelector
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import not_equal
from lightkube.resources.apps_v1 import Deployment, ReplicaSet, StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod
from lightkube.types import CascadeType

from provisioning.clients.kubernetes import is_absent, name_of, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, Seen, UnderWay, seconds
from provisioning.steps import names
from provisioning.steps.kubernetes import ClusterAction
from provisioning.steps.revisions import is_observed, newest

RESTARTS_ALLOWED = 5
SHOWN = 3
STUCK_REASONS = {
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
}


class Rollout(ClusterAction):
    """Start of the application

    Going back it refuses nothing: what keeps crashing then is what is just being replaced, or else time will tell. Of a
    suspended instance nothing is to start.
    """

    def see_in(self, cluster: Client, context: Context) -> Seen:
        if context.spec.is_suspended:
            return AsWanted()
        namespace = names.namespace(context.spec)
        workloads = [*cluster.list(Deployment, namespace=namespace), *cluster.list(StatefulSet, namespace=namespace)]
        if not workloads:
            return Missing()
        jobs = _jobs(cluster, context)
        if context.is_going_back and (failed := [name_of(job) for job in jobs if why_failed(job)]):
            return Differs(f"what failed is in the way: {_listed(failed)}")
        _raise_for_failed(jobs)
        waiting = [name_of(item) for item in workloads if not _is_up(item)] + [
            name_of(job) for job in jobs if not is_over(job)
        ]
        if not waiting:
            return AsWanted({"workloads": len(workloads)})
        known = newest(workloads, cluster.list(ReplicaSet, namespace=namespace))
        pods = list(cluster.list(Pod, namespace=namespace))
        if held := [name_of(pod) for pod in pods if known.is_held(pod)]:
            return Differs(f"an earlier revision that never became ready is in the way: {_listed(held)}")
        if not context.is_going_back:
            _raise_for_crashing(pod for pod in pods if known.is_current(pod))
        return UnderWay(f"{_listed(waiting)} to be ready{_because(list(_troubles(pods)))}", seconds(30))

    def create_in(self, cluster: Client, context: Context) -> str:
        """Pods that are in the way are removed. Raises Refused without workloads: it is Helm that makes those."""
        namespace = names.namespace(context.spec)
        workloads = [*cluster.list(Deployment, namespace=namespace), *cluster.list(StatefulSet, namespace=namespace)]
        if not workloads:
            raise Refused("The release has no workloads.", "Look at the chart and its values, then tear down or retry.")
        known = newest(workloads, ())
        in_the_way: list[Pod | Job] = [pod for pod in cluster.list(Pod, namespace=namespace) if known.is_held(pod)]
        if context.is_going_back:
            in_the_way += [job for job in _jobs(cluster, context) if why_failed(job)]
        for item in in_the_way:
            with suppressed(is_absent):
                cluster.delete(type(item), name_of(item), namespace=namespace, cascade=CascadeType.BACKGROUND)
        removed = [name_of(item) for item in in_the_way]
        return f"removed {_listed(removed)}, which was in the way" if removed else "found nothing in the way"


def _jobs(cluster: Client, context: Context) -> list[Job]:
    """Those that the start waits for: not what executors run for people, and not what has a step of its own."""
    labels: LabelSelector = {"instance": context.spec.id, "app": not_equal(names.SITE_CONFIGURATION)}
    found = cluster.list(Job, namespace=names.namespace(context.spec), labels=labels)
    return [job for job in found if not _is_scheduled(job)]


def _is_up(item: Any) -> bool:
    """As kubectl's rollout status decides it, for Deployments and StatefulSets alike."""
    wanted = 1 if item.spec.replicas is None else item.spec.replicas
    status = item.status
    if not is_observed(item):
        return False
    ready = status.availableReplicas if isinstance(item, Deployment) else status.readyReplicas
    updated = status.updatedReplicas or 0
    return updated >= wanted and (ready or 0) >= wanted and (status.replicas or 0) <= updated


def is_over(job: Job) -> bool:
    """Whether it has succeeded."""
    return bool(job.status and (job.status.succeeded or 0) >= 1)


def _is_scheduled(job: Job) -> bool:
    """Whether a CronJob has made it: such as the one that counts use, it comes and goes and starts nothing."""
    owners = (job.metadata.ownerReferences if job.metadata else None) or ()
    return any(owner.kind == "CronJob" for owner in owners)


def last_words_of(cluster: Client, job: Job, label: str) -> str:
    """What its newest pod said that failed, or else why the Job has failed. `label` is one that its pods share."""
    metadata = job.metadata or ObjectMeta()
    pods = list(cluster.list(Pod, namespace=metadata.namespace, labels={label: (metadata.labels or {})[label]}))
    return next(filter(None, map(_words_of, reversed(pods))), why_failed(job)).rstrip(".")


def _words_of(pod: Pod) -> str:
    """What the first container said that failed; empty if none did or it said nothing."""
    ended = (each.state.terminated for each in containers_of(pod.status) if each.state and each.state.terminated)
    return next((str(each.message or "").strip() for each in ended if each.exitCode), "")


def _raise_for_failed(jobs: list[Job]) -> None:
    for job in jobs:
        if reason := why_failed(job):
            raise Refused(f"{name_of(job)} failed: {reason.rstrip('.')}.", "Read its logs, mend the cause, then retry.")


def why_failed(job: Job) -> str:
    """Why it failed for good; empty if it did not."""
    conditions = (job.status.conditions if job.status else None) or ()
    failed = next((each for each in conditions if each.type == "Failed" and each.status == "True"), None)
    return (failed.message or failed.reason or "no reason given") if failed else ""


def _raise_for_crashing(pods: Iterable[Any]) -> None:
    """Raises Refused for one that has crashed too often to hope."""
    for pod in pods:
        for container in containers_of(pod.status):
            if waiting_reason(container) == "CrashLoopBackOff" and container.restartCount >= RESTARTS_ALLOWED:
                raise Refused(
                    f"{component_of(pod)} keeps crashing ({container.restartCount} times): {_last_words(container)}.",
                    "Read its logs, mend the cause, then retry.",
                )


def _troubles(pods: Iterable[Any]) -> Iterator[str]:
    """What keeps pods from running."""
    for pod in pods:
        for condition in (pod.status.conditions if pod.status else None) or ():
            if condition.type == "PodScheduled" and condition.status == "False":
                yield f"no node for {component_of(pod)}: {condition.message}"
        for container in containers_of(pod.status):
            if waiting_reason(container) in STUCK_REASONS:
                yield f"{component_of(pod)}: {container.state.waiting.message or waiting_reason(container)}"


def waiting_reason(container: Any) -> str:
    """Why a container does not run, in a word of Kubernetes'; empty where it does."""
    return str(container.state.waiting.reason) if container.state and container.state.waiting else ""


def containers_of(status: Any) -> list[Any]:
    """How each container of a pod does, those that run first before the others."""
    return [*(status.initContainerStatuses or ()), *(status.containerStatuses or ())] if status else []


def _last_words(container: Any) -> str:
    ended = container.lastState.terminated if container.lastState else None
    if ended is None:
        return "it says nothing"
    return str(ended.message or ended.reason or f"exit code {ended.exitCode}").strip().rstrip(".")


def component_of(pod: Pod) -> str:
    """What of the application a pod is, as the chart names it."""
    labels = (pod.metadata.labels if pod.metadata else None) or {}
    return str(labels.get("app") or name_of(pod))


def _listed(waiting: list[str]) -> str:
    shown = ", ".join(sorted(waiting)[:SHOWN])
    return f"{shown} and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else shown


def _because(troubles: list[str]) -> str:
    return f" ({'; '.join(troubles[:SHOWN])})" if troubles else ""
