"""The pods of a release: which of them are not ready for long, keep restarting, or ran out of memory.

How often a container restarted within the hour is told by nobody: Kubernetes counts from the pod's beginning. So each
look keeps its counts in its figures, and compares with the oldest of an hour.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from lightkube.core.client import Client
from lightkube.resources.core_v1 import Pod

from portal.core import clock
from provisioning.clients.kubernetes import name_of
from provisioning.health.inside.findings import Finding, Subject, What, degraded, well
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.kubernetes import in_cluster
from provisioning.steps.rollout import component_of, containers_of, waiting_reason

TIMEOUT_SECONDS: Final = 10.0
PATIENCE: Final = timedelta(minutes=5)  # for so long a pod may be on its way
RECENTLY: Final = timedelta(hours=1)
MOST_RESTARTS: Final = 3
OUT_OF_MEMORY: Final = "OOMKilled"
OVER: Final = {"Succeeded", "Failed"}
Counts = dict[str, list[tuple[str, int]]]  # by container: when, in ISO 8601, and how many restarts by then


@dataclass(frozen=True)
class Trouble:
    """`component` is what the chart calls it; `why` completes a sentence that begins with the pod's name."""

    component: str
    pod: str
    why: str

    def __str__(self) -> str:
        return f"{self.pod} {self.why}"


def look_at_pods(subject: Subject) -> Finding:
    """All that serve are ready, stay up, and have memory enough; or which do not, and why."""
    pods = in_cluster(subject.spec, lambda cluster: _serving(cluster, subject.spec), timeout_seconds=TIMEOUT_SECONDS)
    now = clock.now()
    if not pods:
        return degraded(What.PODS, "Nothing of the application runs.", components={"all": "does not run"}, restarts={})
    before = subject.before.get(What.PODS)
    counts = _counts(pods, before.figures.get("restarts", {}) if before else {}, now)
    troubles = [trouble for pod in pods for trouble in _troubles(pod, counts, now)]
    components = {trouble.component: trouble.why for trouble in troubles}
    if troubles:
        sentence = f"{'; '.join(map(str, troubles))}."
        return degraded(What.PODS, sentence, components=components, restarts=counts)
    return well(What.PODS, f"{len(pods)} pods, none of them in trouble.", components={}, restarts=counts)


def _serving(cluster: Client, spec: InstanceSpec) -> list[Pod]:
    """Those that are to run for good: not of jobs, not on their way out, and not what an eviction has left behind."""
    return [pod for pod in cluster.list(Pod, namespace=names.namespace(spec)) if _serves(pod)]


def _serves(pod: Any) -> bool:
    is_of_a_job = any(owner.kind == "Job" for owner in pod.metadata.ownerReferences or ())
    return not is_of_a_job and not pod.metadata.deletionTimestamp and (pod.status and pod.status.phase) not in OVER


def _counts(pods: Iterable[Any], before: Mapping[str, Any], now: datetime) -> Counts:
    """What is kept: of each container that ever restarted its counts within the hour, this one included."""
    kept: Counts = {}
    for pod in pods:
        for container in containers_of(pod.status):
            if count := container.restartCount:
                name = f"{name_of(pod)}/{container.name}"
                known = [(at, most) for at, most in before.get(name, ()) if _is_recent(datetime.fromisoformat(at), now)]
                is_new = not known and _is_recent(pod.metadata.creationTimestamp, now)
                first = [(pod.metadata.creationTimestamp.isoformat(), 0)] if is_new else known
                kept[name] = [*first, (now.isoformat(), count)]
    return kept


def _troubles(pod: Any, counts: Counts, now: datetime) -> Iterator[Trouble]:
    """Of one pod the first that holds: what ran out of memory restarts, and what restarts is not ready."""
    component, name = component_of(pod), name_of(pod)
    statuses = containers_of(pod.status)
    restarts = max((_recent(counts.get(f"{name}/{each.name}", ())) for each in statuses), default=0)
    if any(_ran_out_of_memory(each, now) for each in statuses):
        yield Trouble(component, name, "ran out of memory")
    elif restarts > MOST_RESTARTS:
        yield Trouble(component, name, f"restarted {restarts} times within the hour{_because(statuses)}")
    elif (since := _unready_since(pod)) and now - since > PATIENCE:
        minutes = (now - since) // timedelta(minutes=1)
        yield Trouble(component, name, f"has not been ready for {minutes} min{_because(statuses, pod)}")


def _recent(counts: Sequence[tuple[str, int]]) -> int:
    return counts[-1][1] - counts[0][1] if counts else 0


def _unready_since(pod: Any) -> datetime | None:
    """None while it is ready. One that no node takes has no such condition yet: it waits since it was made."""
    conditions = {each.type: each for each in (pod.status.conditions if pod.status else None) or ()}
    ready = conditions.get("Ready")
    if ready and ready.status == "True":
        return None
    since = ready.lastTransitionTime if ready else None
    return since or pod.metadata.creationTimestamp or clock.now()


def _because(statuses: Iterable[Any], pod: Any = None) -> str:
    conditions = (pod.status.conditions if pod is not None and pod.status else None) or ()
    unscheduled = [each for each in conditions if each.type == "PodScheduled" and each.status == "False"]
    reasons = [reason for each in statuses if (reason := waiting_reason(each))] or [
        str(each.reason or "no node") for each in unscheduled
    ]
    return f": {reasons[0]}" if reasons else ""


def _ran_out_of_memory(container: Any, now: datetime) -> bool:
    """Lately, whether it is up again or not."""
    states = (container.state, container.lastState)
    ended = [state.terminated for state in states if state and state.terminated]
    return any(
        each.reason == OUT_OF_MEMORY and (each.finishedAt is None or _is_recent(each.finishedAt, now)) for each in ended
    )


def _is_recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at <= RECENTLY
