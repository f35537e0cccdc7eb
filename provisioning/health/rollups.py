"""What was seen is summed up for each day, and what is too fine to be kept is forgotten.

Kept are minutes for a day, hours for 90 days, days for ever: a thousand instances take about half a gigabyte after a
year (a test reckons it from rows as the database stores them).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q, Sum

from portal.core import clock
from provisioning.fleet.windows import window_of
from provisioning.health.slo import Span, Uptime, day_span, planned_part
from provisioning.models import Outage, ProbeMinute, ProbeTally, UptimeDay

MINUTES_ARE_KEPT: Final = timedelta(hours=25)
HOURS_ARE_KEPT: Final = timedelta(days=90)
WRITTEN: Final = ["watched_seconds", "down_seconds", "planned_seconds"]
BATCH: Final = 1_000


def days_roll_up() -> int:
    """Today and yesterday are summed up as far as they are known; answers how many rows were written.

    It may run any number of times: what it writes follows from tallies and outages alone.
    """
    today = clock.now().date()
    return sum(_roll_up(day) for day in (today - timedelta(days=1), today))


def rollups_forget() -> int:
    """Minutes and hours that are long past are gone; answers how many."""
    now = clock.now()
    minutes, _ = ProbeMinute.objects.filter(minute__lt=now - MINUTES_ARE_KEPT).delete()
    hours, _ = ProbeTally.objects.filter(hour__lt=now - HOURS_ARE_KEPT).delete()
    return minutes + hours


def lost_in(span: Span, instance_ids: Iterable[str] | None = None) -> dict[str, Uptime]:
    """By instance the seconds of that span in which it did not answer, and which of them were planned. One query.

    `watched` is not told here. Whoever lost nothing is not among them.
    """
    lost: defaultdict[str, Uptime] = defaultdict(Uptime)
    for outage in _outages(span, instance_ids):
        whole = _span_of(outage, span.end)
        planned = planned_part(whole, _change_of(outage, span.end), window_of(outage.instance))
        part = Uptime(0, whole.within(span).seconds, planned.within(span).seconds)
        lost[outage.instance_id] += part
    return dict(lost)


def is_planned(outage: Outage) -> bool:
    """Whether it began as planned maintenance. `operation` and `instance` are loaded."""
    now = clock.now()
    change = _change_of(outage, now)
    return planned_part(_span_of(outage, now), change, window_of(outage.instance)).seconds > 0


def _roll_up(day: date) -> int:
    span = day_span(day)
    known = Span(span.begin, min(span.end, max(span.begin, clock.now())))
    tallies = ProbeTally.objects.filter(hour__gte=span.begin, hour__lt=span.end).order_by()
    watched = dict(tallies.values_list("instance").annotate(Sum("minutes")))
    lost = lost_in(known, list(watched))
    rows = [_row(instance_id, day, 60 * minutes, lost.get(instance_id)) for instance_id, minutes in watched.items()]
    UptimeDay.objects.bulk_create(
        rows, BATCH, update_conflicts=True, unique_fields=["instance", "day"], update_fields=WRITTEN
    )
    return len(rows)


def _row(instance_id: str, day: date, watched: int, lost: Uptime | None) -> UptimeDay:
    """Nobody is down for longer than was watched: the first and the last minute are watched in part."""
    found = lost or Uptime()
    down = min(found.down, watched)
    return UptimeDay(
        instance_id=instance_id,
        day=day,
        watched_seconds=watched,
        down_seconds=down,
        planned_seconds=min(found.planned, down),
    )


def _outages(span: Span, instance_ids: Iterable[str] | None) -> Iterable[Outage]:
    overlapping = Q(began_at__lt=span.end) & (Q(ended_at=None) | Q(ended_at__gt=span.begin))
    found = Outage.objects.filter(overlapping).select_related("instance", "operation").order_by()
    return found if instance_ids is None else found.filter(instance__in=list(instance_ids))


def _span_of(outage: Outage, now: datetime) -> Span:
    return Span(outage.began_at, outage.ended_at or max(now, outage.began_at))


def _change_of(outage: Outage, now: datetime) -> Span | None:
    """When the operation went on that it began in."""
    operation = outage.operation
    if operation is None or operation.started_at is None:
        return None
    return Span(operation.started_at, operation.finished_at or max(now, operation.started_at))
