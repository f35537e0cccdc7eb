"""When stages come, if nothing goes wrong."""

from datetime import UTC, datetime, timedelta

from provisioning.fleet.timetable import Leg, Speed, timetable
from provisioning.fleet.windows import Window

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
NIGHT = Window(None, 1, "UTC")
MONDAY = Window(0, 1, "UTC")
SPEED = Speed(seconds_each=600, most_at_once=10)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_stage_follows_the_rest_of_the_one_before():
    slots = timetable([Leg(1, 2, False, {NIGHT: 3}), Leg(2, 4, False, {NIGHT: 1, MONDAY: 1})], NOW, SPEED)
    assert slots[1].opens_at == NOW
    assert slots[1].done_at == at("2026-11-25T01:10")
    assert slots[1].rested_at == slots[2].opens_at == at("2026-11-25T03:10")
    assert slots[2].done_at == at("2026-11-30T01:10"), "who has a window on Mondays keeps it open until Monday"


def test_more_than_may_go_at_once_go_one_after_another():
    slots = timetable([Leg(1, 0, False, {NIGHT: 25})], NOW, Speed(600, 10, asks_for_windows=False))
    assert slots[1].done_at == NOW + timedelta(minutes=30)


def test_nobody_waits_for_an_empty_stage():
    slots = timetable([Leg(1, 48, True, has_members=False), Leg(2, 0, False)], NOW, SPEED)
    assert slots[2].opens_at == NOW


def test_what_has_passed_takes_no_time_and_what_rests_only_what_is_left():
    legs = [
        Leg(1, 48, False, is_passed=True, opened_at=NOW - timedelta(days=3)),
        Leg(2, 4, False, opened_at=NOW - timedelta(hours=5), soaking_since=NOW - timedelta(hours=1)),
        Leg(3, 0, False, {NIGHT: 1}),
    ]
    slots = timetable(legs, NOW, SPEED)
    assert slots[1].opens_at == NOW - timedelta(days=3)
    assert slots[3].opens_at == NOW + timedelta(hours=3)


def test_who_is_under_way_takes_as_long_as_the_others():
    begun = NOW - timedelta(minutes=4)
    slots = timetable([Leg(1, 0, False, last_begun_at=begun)], NOW, SPEED)
    assert slots[1].done_at == begun + timedelta(minutes=10)
    late = timetable([Leg(1, 0, False, last_begun_at=NOW - timedelta(hours=1))], NOW, SPEED)
    assert late[1].done_at == NOW
