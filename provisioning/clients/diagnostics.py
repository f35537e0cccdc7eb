"""What can be seen of an application in its cluster, and nothing else: pods, the end of a log, events, revisions.

Everything here only reads, and keeps nothing. Who may call it, and for whom, is decided in
provisioning.services.looking alone (decision 21).
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Event, Pod, Secret

from provisioning.clients.kubernetes import NO_ANSWER, TOO_LATE, connected, is_absent, is_unknown

LOG_LINES: Final = 200
LONGEST_LINE: Final = 2_000
MOST_EVENTS: Final = 100
NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")  # of a pod or a container: nothing that leads elsewhere
EVER: Final = datetime.min.replace(tzinfo=UTC)


class Unseen(Exception):
    """It could not be looked at; `str()` says why, as a sentence."""


@dataclass(frozen=True)
class Place:
    """A namespace of a cluster, and how to get there. `document` is a kubeconfig, `timeout_seconds` of each call."""

    document: Mapping[str, Any]
    namespace: str
    timeout_seconds: float


@dataclass(frozen=True)
class ContainerSeen:
    """`state` is running, waiting, ended or unknown; `why` the reason of that; `last_end` how it ended before."""

    name: str
    state: str
    why: str
    restarts: int
    last_end: str
    is_ready: bool


@dataclass(frozen=True)
class PodSeen:
    name: str
    phase: str
    why: str
    since: datetime | None
    containers: tuple[ContainerSeen, ...]


@dataclass(frozen=True)
class EventSeen:
    """`about` is such as Pod/frontend-1; `count` how often it was seen."""

    at: datetime | None
    is_warning: bool
    reason: str
    about: str
    message: str
    count: int


@dataclass(frozen=True)
class RevisionSeen:
    number: int
    status: str
    at: datetime | None


def pods_seen(place: Place) -> tuple[PodSeen, ...]:
    """All pods of the namespace, by name."""
    with _looking(place) as cluster:
        return tuple(sorted(map(_pod, cluster.list(Pod, namespace=place.namespace)), key=lambda pod: pod.name))


def log_seen(place: Place, pod: str, container: str) -> tuple[str, ...]:
    """The last lines of a container's log, the oldest first. Long lines are cut."""
    if not (NAME.fullmatch(pod) and NAME.fullmatch(container)):
        raise Unseen("No pod or container is called like that.")
    with _looking(place) as cluster:
        lines = cluster.log(pod, namespace=place.namespace, container=container, tail_lines=LOG_LINES, newlines=False)
        return tuple(line[:LONGEST_LINE] for line in lines)


def events_seen(place: Place) -> tuple[EventSeen, ...]:
    """The newest events of the namespace, the newest first. Kubernetes keeps them for an hour."""
    with _looking(place) as cluster:
        events = sorted(
            map(_event, cluster.list(Event, namespace=place.namespace)),
            key=lambda event: event.at or EVER,
            reverse=True,
        )
    return tuple(events[:MOST_EVENTS])


def revisions_seen(place: Place, release: str) -> tuple[RevisionSeen, ...]:
    """The revisions that Helm keeps of the release, the newest first: what their labels say, never what is in them."""
    with _looking(place) as cluster:
        secrets = list(cluster.list(Secret, namespace=place.namespace, labels={"owner": "helm", "name": release}))
    return tuple(sorted(map(_revision, secrets), key=lambda revision: revision.number, reverse=True))


@contextmanager
def _looking(place: Place) -> Iterator[Client]:
    """A client of the cluster. Raises Unseen for whatever it does not say."""
    try:
        with connected(place.document, timeout_seconds=place.timeout_seconds) as cluster:
            yield cluster
    except TOO_LATE:
        raise Unseen(f"The cluster did not answer within {place.timeout_seconds:g} seconds.") from None
    except NO_ANSWER:
        raise Unseen("The cluster cannot be reached, or breaks off.") from None
    except ApiError as error:
        raise Unseen(_words_of(error)) from None


def _words_of(error: ApiError) -> str:
    if is_absent(error):
        return "It is not there any more: look at the pods again."
    if is_unknown(error):
        return "The cluster does not know the token. Try again in a minute."
    return f"The cluster refused: {str(error.status.message or error).rstrip('.')}."


def _pod(pod: Any) -> PodSeen:
    status, name = pod.status, str(pod.metadata.name)
    if status is None:
        return PodSeen(name, "Unknown", "", None, ())
    containers = [*(status.initContainerStatuses or ()), *(status.containerStatuses or ())]
    known = tuple(map(_container, containers)) or tuple(_unheard_of(each.name) for each in pod.spec.containers)
    return PodSeen(name, str(status.phase), _why_of(status), status.startTime, known)


def _why_of(status: Any) -> str:
    """Why the pod is not where it should be, as far as Kubernetes says it of the whole pod."""
    if status.reason:
        return _joined(status.reason, status.message)
    held = (each for each in status.conditions or () if each.type == "PodScheduled" and each.status == "False")
    return next((_joined(each.reason, each.message) for each in held), "")


def _container(status: Any) -> ContainerSeen:
    state, why = _state(status.state)
    ended = status.lastState.terminated if status.lastState else None
    last = _ended(ended) if ended else ""
    return ContainerSeen(status.name, state, why, status.restartCount or 0, last, bool(status.ready))


def _unheard_of(name: str) -> ContainerSeen:
    return ContainerSeen(name, "unknown", "", 0, "", is_ready=False)


def _state(state: Any) -> tuple[str, str]:
    if state and state.waiting:
        return "waiting", _joined(state.waiting.reason, state.waiting.message)
    if state and state.terminated:
        return "ended", _ended(state.terminated)
    return ("running", "") if state and state.running else ("unknown", "")


def _ended(end: Any) -> str:
    return f"{end.reason or 'ended'}, exit code {end.exitCode}"


def _joined(reason: str | None, message: str | None) -> str:
    return ": ".join(part for part in (reason, message) if part)


def _event(event: Any) -> EventSeen:
    series, about = event.series, event.involvedObject
    seen = (series and series.lastObservedTime) or event.lastTimestamp or event.eventTime
    return EventSeen(
        at=seen or event.metadata.creationTimestamp,
        is_warning=event.type == "Warning",
        reason=event.reason or "",
        about=f"{about.kind}/{about.name}",
        message=(event.message or "").strip(),
        count=(series and series.count) or event.count or 1,
    )


def _revision(secret: Any) -> RevisionSeen:
    labels = secret.metadata.labels
    return RevisionSeen(int(labels["version"]), labels["status"], secret.metadata.creationTimestamp)
