"""Whether the application comes up in its cluster: read from Kubernetes, since Helm does not wait."""

from collections.abc import Iterator
from typing import Any

from lightkube.core.client import Client
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod

from provisioning.clients.kubernetes import name_of
from provisioning.engine.action import AsWanted, Context, Missing, Refused, Seen, UnderWay, seconds
from provisioning.steps import names
from provisioning.steps.kubernetes import ClusterAction

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
    """Start of the application"""

    def see_in(self, cluster: Client, context: Context) -> Seen:
        namespace = names.namespace(context.spec)
        workloads = [*cluster.list(Deployment, namespace=namespace), *cluster.list(StatefulSet, namespace=namespace)]
        if not workloads:
            return Missing()
        jobs = list(cluster.list(Job, namespace=namespace))
        _raise_for_failed(jobs)
        waiting = [name_of(item) for item in workloads if not _is_up(item)] + [
            name_of(job) for job in jobs if not _is_over(job)
        ]
        if not waiting:
            return AsWanted({"workloads": len(workloads)})
        troubles = list(_troubles(cluster.list(Pod, namespace=namespace)))
        return UnderWay(f"{_listed(waiting)} to be ready{_because(troubles)}", seconds(10))

    def create_in(self, cluster: Client, context: Context) -> str:  # noqa: ARG002 - nothing can be made here
        """Raises Refused: it is Helm that makes workloads."""
        raise Refused("The release has no workloads.", "Look at the chart and its values, then tear down or retry.")


def _is_up(item: Any) -> bool:
    """As kubectl's rollout status decides it, for Deployments and StatefulSets alike."""
    wanted = 1 if item.spec.replicas is None else item.spec.replicas
    status = item.status
    if status is None or (status.observedGeneration or 0) < (item.metadata.generation or 0):
        return False
    ready = status.availableReplicas if isinstance(item, Deployment) else status.readyReplicas
    return (status.updatedReplicas or 0) >= wanted and (ready or 0) >= wanted


def _is_over(job: Job) -> bool:
    return bool(job.status and (job.status.succeeded or 0) >= 1)


def _raise_for_failed(jobs: list[Job]) -> None:
    for job in jobs:
        for condition in (job.status.conditions if job.status else None) or ():
            if condition.type == "Failed" and condition.status == "True":
                reason = condition.message or condition.reason or "no reason given"
                raise Refused(
                    f"{name_of(job)} failed: {reason.rstrip('.')}.", "Read its logs, mend the cause, then retry."
                )


def _troubles(pods: Any) -> Iterator[str]:
    """What keeps pods from running. Raises Refused for one that has crashed too often to hope."""
    for pod in pods:
        status = pod.status
        for condition in (status.conditions if status else None) or ():
            if condition.type == "PodScheduled" and condition.status == "False":
                yield f"no node for {_owner(pod)}: {condition.message}"
        for container in _containers(status):
            reason = container.state.waiting.reason if container.state and container.state.waiting else ""
            if reason == "CrashLoopBackOff" and container.restartCount >= RESTARTS_ALLOWED:
                raise Refused(
                    f"{_owner(pod)} keeps crashing ({container.restartCount} times): {_last_words(container)}.",
                    "Read its logs, mend the cause, then retry.",
                )
            if reason in STUCK_REASONS:
                yield f"{_owner(pod)}: {container.state.waiting.message or reason}"


def _containers(status: Any) -> list[Any]:
    return [*(status.initContainerStatuses or ()), *(status.containerStatuses or ())] if status else []


def _last_words(container: Any) -> str:
    ended = container.lastState.terminated if container.lastState else None
    if ended is None:
        return "it says nothing"
    return str(ended.message or ended.reason or f"exit code {ended.exitCode}").strip().rstrip(".")


def _owner(pod: Pod) -> str:
    labels = (pod.metadata.labels if pod.metadata else None) or {}
    return str(labels.get("app") or name_of(pod))


def _listed(waiting: list[str]) -> str:
    shown = ", ".join(sorted(waiting)[:SHOWN])
    return f"{shown} and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else shown


def _because(troubles: list[str]) -> str:
    return f" ({'; '.join(troubles[:SHOWN])})" if troubles else ""
