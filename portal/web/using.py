"""How an instance is used, as pages put it: what was counted, or why nothing was."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from billing.selectors.seats import SeatUse
from portal.core import clock
from portal.web.trend import Trend, draw_trend
from provisioning.fleet.architectures import ARCHITECTURES
from provisioning.fleet.figures import ACTIVE_MONTH, ACTIVE_WEEK
from provisioning.models import Instance, InstanceStatus, Kind, Usage

STALE_AFTER = timedelta(hours=26)
NOT_BY_THIS_ARCHITECTURE = "Not counted yet: that comes with the next renewal of its infrastructure, by itself."
NOT_A_COPY = "Not counted: it is a copy."
NOT_STARTED = "Not counted yet: the first count comes within an hour of its start."
NOT_YET = "Not counted yet: the first count comes within an hour."
NOT_ASLEEP = "Not counted while it is suspended."


@dataclass(frozen=True)
class Use:
    """`active_week` and `active_month` are people who did something in 7 and 30 days; None where nothing is known.

    `why_not` says why there is no recent count, "" where there is one.
    """

    seats: SeatUse
    active_week: int | None
    active_month: int | None
    counted_at: datetime | None
    why_not: str
    trend: Trend | None
    active_trend: Trend | None

    @property
    def is_full(self) -> bool:
        """From nine tenths on: somebody may want to think of more seats."""
        return bool(self.seats.paid) and (self.seats.used or 0) * 10 >= (self.seats.paid or 0) * 9

    @property
    def share(self) -> float:
        """Of the seats that are paid for, at most 1."""
        return min(1.0, (self.seats.used or 0) / self.seats.paid) if self.seats.paid else 0.0


def use_of(instance: Instance, seats: SeatUse) -> Use:
    """All that pages show of it. No query."""
    today = clock.now().date()
    return Use(
        seats=seats,
        active_week=seats.figure(ACTIVE_WEEK),
        active_month=seats.figure(ACTIVE_MONTH),
        counted_at=seats.counted_at,
        why_not=why_not_counted(instance, seats.counted_at),
        trend=draw_trend("Accounts", seats.history, today, seats.paid),
        active_trend=draw_trend("People active in 7 days", list(_by_day(seats.counts, ACTIVE_WEEK)), today),
    )


def why_not_counted(instance: Instance, counted_at: datetime | None) -> str:
    """Why the instance has no recent count; "" where it has one, or where nobody can tell."""
    if counted_at and clock.now() - counted_at < STALE_AFTER:
        return ""
    if instance.kind == Kind.REHEARSAL:
        return NOT_A_COPY
    if instance.status == InstanceStatus.SUSPENDED:
        return NOT_ASLEEP
    architecture = ARCHITECTURES.get(instance.architecture)
    if architecture is None or not architecture.usage_pings:
        return NOT_BY_THIS_ARCHITECTURE
    if counted_at:
        return ""
    return NOT_STARTED if instance.status == InstanceStatus.PENDING else NOT_YET


def _by_day(counts: Iterable[Usage], name: str) -> Iterable[tuple[date, int]]:
    for row in counts:
        if (count := row.figure(name)) is not None:
            yield row.day, count
