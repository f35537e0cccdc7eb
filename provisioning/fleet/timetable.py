"""When the stages of a rollout will come, if everybody goes in their first window and nothing goes wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisioning.fleet.windows import Window, rested_at


@dataclass(frozen=True)
class Leg:
    """A stage as the timetable needs it: who is still to go, by window, and how long it rests afterwards.

    `opened_at` and `soaking_since` are set as far as it has come; `is_passed` when it is over. `last_begun_at` is when
    the latest of those under way began; None if nobody is.
    """

    position: int
    soak_hours: float
    soak_skips_weekends: bool
    waiting: Mapping[Window, int] = field(default_factory=dict)
    has_members: bool = True
    opened_at: datetime | None = None
    soaking_since: datetime | None = None
    last_begun_at: datetime | None = None
    is_passed: bool = False


@dataclass(frozen=True)
class Slot:
    """When a stage opens, when the last of it is expected to be done, and when it will have rested."""

    opens_at: datetime
    done_at: datetime
    rested_at: datetime


@dataclass(frozen=True)
class Speed:
    """How long one instance takes, in seconds, and how many go at once."""

    seconds_each: float
    most_at_once: int
    asks_for_windows: bool = True


def timetable(legs: Iterable[Leg], now: datetime, speed: Speed) -> dict[int, Slot]:
    """The slots by position. What has passed takes no time; what is under way is reckoned from now."""
    slots: dict[int, Slot] = {}
    at = now
    for leg in sorted(legs, key=lambda leg: leg.position):
        if leg.is_passed:
            slots[leg.position] = Slot(leg.opened_at or now, now, now)
            continue
        done = at if leg.soaking_since else _done(leg, at, speed)
        rested = _rested(leg, done)
        slots[leg.position] = Slot(leg.opened_at or at, done, max(rested, at))
        at = max(rested, at)
    return slots


def starts(windows: Mapping[Window, int], opens_at: datetime, speed: Speed) -> Sequence[tuple[datetime, int]]:
    """From when on how many of a stage can go, the earliest first."""
    if not speed.asks_for_windows:
        return [(opens_at, sum(windows.values()))]
    return sorted((window.first_chance(opens_at), count) for window, count in windows.items())


def _done(leg: Leg, opens_at: datetime, speed: Speed) -> datetime:
    """As many at once as may be, the others after them."""
    done = opens_at
    if leg.last_begun_at:
        done = max(done, leg.last_begun_at + timedelta(seconds=speed.seconds_each))
    for start, count in starts(leg.waiting, opens_at, speed):
        rounds = -(-count // max(1, speed.most_at_once))
        done = max(done, start + timedelta(seconds=rounds * speed.seconds_each))
    return done


def _rested(leg: Leg, done: datetime) -> datetime:
    if not leg.has_members:
        return done
    return rested_at(leg.soaking_since or done, leg.soak_hours, skips_weekends=leg.soak_skips_weekends)
