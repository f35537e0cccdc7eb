"""Days are summed up from tallies and outages, in as many queries however many instances there are."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from provisioning.health.rollups import days_roll_up, is_planned, lost_in, rollups_forget
from provisioning.health.slo import Span
from provisioning.models import Outage, ProbeMinute, ProbeTally, UptimeDay

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 11, 24), date(2026, 11, 23)
HOUR = timedelta(hours=1)
GIGABYTE = 10**9


@pytest.fixture(autouse=True)
def _noon(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def watched(stand):
    """An instance whose window is from one to five at night, watched all the time since yesterday's beginning."""
    instance = stand("acme", time_zone="UTC", maintenance_hour=1)
    begin = datetime(2026, 11, 23, tzinfo=UTC)
    ProbeTally.objects.bulk_create(
        ProbeTally(instance=instance, hour=begin + hours * HOUR, probes=120, minutes=60) for hours in range(36)
    )
    return instance


def night(hour: float, day: date = YESTERDAY) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + hour * HOUR


def outage(instance, begin: float, end: float | None, operation=None) -> Outage:
    """By hours of yesterday."""
    ended_at = None if end is None else night(end)
    return Outage.objects.create(
        instance=instance, began_at=night(begin), ended_at=ended_at, what="503", operation=operation
    )


def days() -> dict[date, tuple[int, float, float]]:
    return {day.day: (day.watched_seconds, day.down_seconds, day.planned_seconds) for day in UptimeDay.objects.all()}


def test_a_day_without_outages(watched):
    assert days_roll_up() == 2
    assert days() == {YESTERDAY: (86_400, 0, 0), TODAY: (12 * 3_600, 0, 0)}


def test_an_outage_counts_on_each_of_its_days(watched):
    outage(watched, 23.5, 24.25)
    days_roll_up()
    assert days() == {YESTERDAY: (86_400, 1_800, 0), TODAY: (12 * 3_600, 900, 0)}


def test_one_that_is_not_over_counts_until_now(watched):
    outage(watched, 35, None)
    days_roll_up()
    assert days()[TODAY] == (12 * 3_600, 3_600, 0)


def test_maintenance_is_counted_apart(watched, operate):
    change = operate(watched, status="succeeded", started_at=night(1.5), finished_at=night(2.5))
    other = operate(watched, status="succeeded", started_at=night(11), finished_at=night(13))
    planned = outage(watched, 2, 2.25, change)
    outage(watched, 12, 12.5, other)  # outside the window
    days_roll_up()
    assert days()[YESTERDAY] == (86_400, 2_700, 900)
    assert is_planned(planned)
    assert not is_planned(Outage.objects.get(operation=other))


def test_nobody_is_down_for_longer_than_was_looked(watched):
    ProbeTally.objects.exclude(hour=night(5)).delete()
    outage(watched, 4, 8)
    days_roll_up()
    assert days() == {YESTERDAY: (3_600, 3_600, 0)}


def test_doing_it_again_writes_what_is_known_by_then(watched):
    days_roll_up()
    outage(watched, 6, 7)
    days_roll_up()
    days_roll_up()
    assert days()[YESTERDAY] == (86_400, 3_600, 0)


def test_it_takes_the_same_queries_for_all(watched, stand, django_assert_max_num_queries):
    for number in range(20):
        other = stand(f"other-{number}")
        ProbeTally.objects.create(instance=other, hour=NOON, probes=1, minutes=1)
        Outage.objects.create(instance=other, began_at=NOON - HOUR, what="503")
    with django_assert_max_num_queries(10):
        assert days_roll_up() == 22


def test_what_is_lost_is_told_by_instance(watched, stand):
    other = stand("other")
    outage(watched, 2, 3)
    outage(other, 2, 4)
    span = Span(night(2.5), night(5))
    assert {key: lost.down for key, lost in lost_in(span).items()} == {watched.pk: 1_800, other.pk: 5_400}
    assert set(lost_in(span, [other.pk])) == {other.pk}
    assert lost_in(Span(night(10), night(11))) == {}


def test_minutes_are_kept_for_a_day_and_hours_for_ninety(stand):
    acme = stand("acme")
    for hours in (1, 24, 26):
        ProbeMinute.objects.create(instance=acme, minute=NOON - hours * HOUR, probes=1)
    for day in (1, 89, 91):
        ProbeTally.objects.create(instance=acme, hour=NOON - timedelta(days=day), probes=1)
    assert rollups_forget() == 2
    assert (ProbeMinute.objects.count(), ProbeTally.objects.count()) == (2, 2)


def test_a_thousand_instances_for_a_year_stay_below_a_gigabyte(stand):
    """Reckoned from rows as the database stores them, with all their indexes."""
    acme, others = stand("acme"), 20_000
    ProbeMinute.objects.bulk_create(
        ProbeMinute(instance=acme, minute=NOON - timedelta(minutes=n), probes=2) for n in range(others)
    )
    ProbeTally.objects.bulk_create(
        ProbeTally(instance=acme, hour=NOON - n * HOUR, probes=120, minutes=60) for n in range(others)
    )
    UptimeDay.objects.bulk_create(
        UptimeDay(instance=acme, day=date(1990, 1, 1) + timedelta(days=n), watched_seconds=86_400)
        for n in range(others)
    )
    kept = {ProbeMinute: 25 * 60, ProbeTally: 90 * 24, UptimeDay: 365}
    whole = sum(bytes_of(model) / others * rows * 1_000 for model, rows in kept.items())
    assert 0.1 * GIGABYTE < whole < GIGABYTE


def bytes_of(model) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [model._meta.db_table])
        return int(cursor.fetchone()[0])
