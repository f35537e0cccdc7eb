"""How reliable an instance is, and the fleet: by day, by month, and how fast the error budget goes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet, Sum

from portal.core import clock
from provisioning.fleet.customers import of_customers
from provisioning.health.rollups import is_planned, lost_in
from provisioning.health.slo import Span, Uptime, budget_left, burn, month_span, total
from provisioning.models import Instance, InstanceStatus, Outage, UptimeDay

DAYS_SHOWN: Final = 90
OUTAGES_SHOWN: Final = 20
FAST, SLOW = timedelta(hours=1), timedelta(hours=6)  # the windows in which a burn is looked at


@dataclass(frozen=True)
class Day:
    """A day, by UTC, and how it was; nothing watched where nobody looked."""

    day: date
    uptime: Uptime


@dataclass(frozen=True)
class Reliability:
    """`days` are the last DAYS_SHOWN, the oldest first; `month` is this calendar month so far, `before` the last one.

    `left` is the share of this month's error budget that is not spent, `burns` by hours of the window how many times as
    fast as it may the budget goes.
    """

    days: Sequence[Day]
    month: Uptime
    before: Uptime
    left: float
    burns: dict[int, float]

    @property
    def month_began(self) -> date:
        return self.days[-1].day.replace(day=1)


@dataclass(frozen=True)
class Lost:
    """An outage with what it counts as."""

    outage: Outage
    is_planned: bool

    @property
    def seconds(self) -> float:
        return ((self.outage.ended_at or clock.now()) - self.outage.began_at).total_seconds()


def reliability_of(instance: Instance) -> Reliability:
    """Of one instance. Two queries."""
    return _reliability(instance.uptime_days.all(), [instance.pk])


def fleet_reliability() -> Reliability:
    """Of all instances of customers, those that are deleted by now included. Three queries."""
    living = Instance.objects.filter(of_customers(), status=InstanceStatus.RUNNING)
    days = UptimeDay.objects.filter(of_customers("instance__"))
    return _reliability(days, list(living.values_list("pk", flat=True)))


def outages_of(instance: Instance) -> list[Lost]:
    """The newest first, OUTAGES_SHOWN at most, of the days that are shown. One query."""
    since = clock.now() - timedelta(days=DAYS_SHOWN)
    found = instance.outages.filter(began_at__gt=since).select_related("operation", "instance")
    return [Lost(outage, is_planned(outage)) for outage in found[:OUTAGES_SHOWN]]


def worst_of_month(count: int) -> list[tuple[Instance, Uptime, float]]:
    """The instances whose budget of this month is spent furthest, with what is left of it. One query."""
    span = month_span(clock.now().date())
    days = UptimeDay.objects.filter(of_customers("instance__"), day__gte=span.begin.date())
    spent = {key: uptime for key, uptime in _summed(days, "instance").items() if uptime.down}
    worst = sorted(spent, key=lambda key: -spent[key].unplanned)[:count]
    rows = Instance.objects.select_related("organization").in_bulk(worst)
    whole = span.end - span.begin
    return [(rows[key], spent[key], budget_left(spent[key], settings.SLO, whole)) for key in worst]


def _reliability(rows: QuerySet[UptimeDay], running: Sequence[str]) -> Reliability:
    now = clock.now()
    today = now.date()
    this, before = month_span(today), month_span(today.replace(day=1) - timedelta(days=1))
    first = min(before.begin.date(), today - timedelta(days=DAYS_SHOWN - 1))
    known = _summed(rows.filter(day__gte=first), "day")
    month = _within(known, this)
    count = max(1, len(running))
    lost = {window: _lost_since(now - window, now, running) for window in (FAST, SLOW)}
    return Reliability(
        days=[Day(day, known.get(day, Uptime())) for day in _days(today)],
        month=month,
        before=_within(known, before),
        left=budget_left(month, settings.SLO, (this.end - this.begin) * count),
        burns={
            int(window / timedelta(hours=1)): burn(seconds, settings.SLO, window, count)
            for window, seconds in lost.items()
        },
    )


def _lost_since(since: datetime, now: datetime, instance_ids: Iterable[str]) -> float:
    return total(lost_in(Span(since, now), instance_ids).values()).unplanned


def _within(known: dict[date, Uptime], span: Span) -> Uptime:
    return total(uptime for day, uptime in known.items() if span.begin.date() <= day < span.end.date())


def _days(today: date) -> Iterable[date]:
    return (today - timedelta(days=ago) for ago in range(DAYS_SHOWN - 1, -1, -1))


def _summed(rows: QuerySet[UptimeDay], by: str) -> dict[Any, Uptime]:
    sums = rows.order_by().values_list(by).annotate(Sum("watched_seconds"), Sum("down_seconds"), Sum("planned_seconds"))
    return {key: Uptime(watched, down, planned) for key, watched, down, planned in sums}
