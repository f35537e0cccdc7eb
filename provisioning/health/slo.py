"""What a service level objective is reckoned from: for how long something was watched, and did not answer meanwhile.

Maintenance is what a change of ours took away while the customer's window was open. It is counted apart: the objective
is about the rest, and both figures are shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from provisioning.fleet.windows import Window

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """From a moment until another; empty where that is not later."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return max(0.0, (self.end - self.begin).total_seconds())

    def within(self, other: "Span") -> "Span":
        """What both have in common."""
        return Span(max(self.begin, other.begin), min(self.end, other.end))


@dataclass(frozen=True)
class Uptime:
    """Seconds: watched, of these not answering for whatever reason, and of these planned maintenance."""

    watched: float = 0
    down: float = 0
    planned: float = 0

    def __add__(self, other: "Uptime") -> "Uptime":
        return Uptime(self.watched + other.watched, self.down + other.down, self.planned + other.planned)

    @property
    def unplanned(self) -> float:
        return self.down - self.planned

    @property
    def share(self) -> float | None:
        """Of the time watched in which it answered, maintenance left out of account; None where nobody looked."""
        return self._share_without(self.unplanned)

    @property
    def share_with_maintenance(self) -> float | None:
        """The same with maintenance counted as down."""
        return self._share_without(self.down)

    def _share_without(self, seconds: float) -> float | None:
        return max(0.0, 1 - seconds / self.watched) if self.watched else None


def total(parts: Iterable[Uptime]) -> Uptime:
    """All of them together."""
    return sum(parts, Uptime())


def budget_left(uptime: Uptime, slo: float, whole: timedelta) -> float:
    """The share of the error budget of that much time that is not spent; below 0 when it is overdrawn."""
    allowed = (1 - slo) * whole.total_seconds()
    return 1 - uptime.unplanned / allowed if allowed else 0.0


def burn(unplanned_seconds: float, slo: float, window: timedelta, count: int = 1) -> float:
    """How many times as fast as it may the budget of so many instances was spent in the window."""
    allowed = (1 - slo) * window.total_seconds() * count
    return unplanned_seconds / allowed if allowed else 0.0


def planned_part(outage: Span, change: Span | None, window: Window) -> Span:
    """What of an outage is planned: while the change that it began in went on, and the window was open."""
    if change is None or not window.is_open(outage.begin):
        return Span(outage.begin, outage.begin)
    return outage.within(change).within(Span(*window.next(outage.begin)))


def day_span(day: date) -> Span:
    """A day, by UTC."""
    begin = datetime.combine(day, time.min, UTC)
    return Span(begin, begin + DAY)


def month_span(day: date) -> Span:
    """The calendar month in which the day is, by UTC."""
    first = day.replace(day=1)
    return Span(day_span(first).begin, day_span((first + timedelta(days=32)).replace(day=1)).begin)
