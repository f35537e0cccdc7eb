"""What an instance was, and since when: the stretches of its life in which it cost the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from provisioning.spec import SizeSpec


@dataclass(frozen=True)
class State:
    """All of an instance that decides what it costs."""

    size: SizeSpec
    is_suspended: bool = False
    executors: int = 0
    has_standby: bool = False


@dataclass(frozen=True)
class Stretch:
    """It was so from `since` until just before `until`; without an `until` it still is."""

    since: datetime
    until: datetime | None
    state: State


@dataclass(frozen=True)
class Change:
    """An operation has succeeded at that moment, after which the instance is so."""

    at: datetime
    state: State


@dataclass(frozen=True)
class Life:
    """What is known of an instance: `size` as its row has it now, `changes` in any order.

    `ready_at` is None for one that has never been ready, `suspended_at` for one that is not suspended now.
    """

    size: SizeSpec
    ready_at: datetime | None
    suspended_at: datetime | None = None
    deleted_at: datetime | None = None
    changes: tuple[Change, ...] = ()


def stretches(life: Life) -> tuple[Stretch, ...]:
    """The whole life without a gap, the oldest first: from when it was ready until it was deleted."""
    if life.ready_at is None:
        return ()
    begun = sorted(_begun(life, life.ready_at).items())
    ends = [at for at, _ in begun[1:]] + [None]
    return tuple(_within(life.deleted_at, begun, ends))


def _begun(life: Life, ready_at: datetime) -> dict[datetime, State]:
    """The state by when it began. What was done before it was ready was done in building it.

    The row tells when it was suspended, which comes before the operation ends, and for those without operations.
    """
    changes = sorted(life.changes, key=lambda change: change.at)
    first = changes[0].state.size if changes else life.size
    begun = {ready_at: State(first)} | {max(change.at, ready_at): change.state for change in changes}
    last = max(begun)
    if life.suspended_at and not begun[last].is_suspended:
        begun[max(last, life.suspended_at)] = replace(begun[last], is_suspended=True)
    return begun


def _within(
    end: datetime | None, begun: Iterable[tuple[datetime, State]], ends: Iterable[datetime | None]
) -> Iterator[Stretch]:
    """A teardown counts from when its row says that nothing is left."""
    for (since, state), next_begun in zip(begun, ends, strict=True):
        until = min((at for at in (end, next_begun) if at), default=None)
        if until is None or since < until:
            yield Stretch(since, until, state)
