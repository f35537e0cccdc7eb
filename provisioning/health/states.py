"""How an instance is, in one of five words: a pure function of what is known of it (decision 22, docs/states.md).

What is known comes from four sides: its own status, its outages, when the prober last looked, and the round's findings.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from provisioning.models import Health, InstanceStatus

State = Health.State
LEAST_PATIENCE: Final = timedelta(minutes=3)
LOOKS_MISSED: Final = 3
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Known:
    """What is known of an instance. `probed_at` is the beginning of the last minute in which it was looked at from
    outside; `inside` and what follows is what the round found, UNKNOWN where it never came.
    """

    status: str
    begun_at: datetime  # when it was ready; when it was made as long as it is not
    suspended_at: datetime | None = None
    suspended_because: str = ""
    outage_began_at: datetime | None = None
    outage_ended_at: datetime | None = None
    outage: str = ""
    probed_at: datetime | None = None
    inside: str = State.UNKNOWN
    inside_since: datetime | None = None
    inside_reason: str = ""
    checked_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True)
class Seen:
    """How an instance is, why, and since when."""

    state: Health.State
    reason: str
    since: datetime


def state_of(known: Known, now: datetime) -> Seen:
    """The first that holds: suspended, down, unknown, degraded, healthy."""
    if known.status == InstanceStatus.SUSPENDED:
        return Seen(State.SUSPENDED, _suspension(known), known.suspended_at or known.begun_at)
    if known.status == InstanceStatus.DELETED:
        return Seen(State.UNKNOWN, "It is deleted.", known.begun_at)
    if known.status != InstanceStatus.RUNNING:
        return Seen(State.UNKNOWN, "It is not built yet.", known.begun_at)
    if known.outage_began_at and known.outage_ended_at is None:
        return Seen(State.DOWN, f"It does not answer. {known.outage}".strip(), known.outage_began_at)
    return _unseen(known, now) or _from_inside(known)


def outside_patience() -> timedelta:
    """After so long without a look from outside nobody knows whether an instance answers."""
    return max(LEAST_PATIENCE, timedelta(seconds=LOOKS_MISSED * settings.PROBE_SECONDS))


def inside_patience() -> timedelta:
    """After so long without a whole look inside nobody knows how it is there."""
    return max(LEAST_PATIENCE, timedelta(seconds=LOOKS_MISSED * settings.HEALTH_SECONDS))


def _suspension(known: Known) -> str:
    because = f": {known.suspended_because}" if known.suspended_because else ""
    return f"It is switched off{because}."


def _unseen(known: Known, now: datetime) -> Seen | None:
    """Since when it is unknown: for as long as both sides were looked at, at most, it was not."""
    probed = known.probed_at and known.probed_at + MINUTE
    if probed is None or now - probed > outside_patience():
        return Seen(State.UNKNOWN, "Nobody has looked lately whether it answers.", probed or known.begun_at)
    if known.checked_at is None or known.inside == State.UNKNOWN:
        return Seen(State.UNKNOWN, f"Nobody has looked inside yet.{_why(known)}", known.inside_since or known.begun_at)
    if now - known.checked_at > inside_patience():
        return Seen(State.UNKNOWN, f"Nobody has seen all of its inside lately.{_why(known)}", known.checked_at)
    return None


def _why(known: Known) -> str:
    return f" {known.error}" if known.error else ""


def _from_inside(known: Known) -> Seen:
    """Since it last came back, where that is later: while it was down it was nothing else."""
    since = max((at for at in (known.inside_since, known.outage_ended_at) if at), default=known.begun_at)
    if known.inside == State.DEGRADED:
        return Seen(State.DEGRADED, known.inside_reason, since)
    return Seen(State.HEALTHY, "It answers, and all inside is well.", since)
