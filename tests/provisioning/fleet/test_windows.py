"""Maintenance windows, wherever and whenever, also in the nights when clocks are put forward or back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.fleet.windows import ZONES, Window, in_words, rested_at
from provisioning.models import Region

BERLIN = "Europe/Berlin"
LONG = (datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2028-12-31"))
zones = st.sampled_from([*ZONES.values(), "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
moments = st.datetimes(*LONG, timezones=st.just(UTC))
windows = st.builds(Window, st.none() | st.integers(0, 6), st.integers(0, 23), zones, st.integers(1, 12))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_region_has_a_zone():
    assert set(ZONES) == set(Region.values)


@given(windows, moments)
def test_the_next_window_has_not_ended_lasts_its_hours_and_is_on_its_day(window, at):
    start, end = window.next(at)
    assert end > at
    assert end - start == timedelta(hours=window.hours)
    there = start.astimezone(ZoneInfo(window.zone))
    if window.weekday is not None:
        assert there.weekday() == window.weekday
    is_leapt_over = there.hour == window.hour + 1 or there.minute
    assert there.hour == window.hour or is_leapt_over


@given(windows, moments)
def test_it_is_the_first_one(window, at):
    start, _ = window.next(at)
    longest = timedelta(days=1 if window.weekday is None else 7, hours=2)
    assert start - at <= longest
    if start > at:
        assert window.next(start - timedelta(seconds=1)) == window.next(at)


@given(windows, moments)
def test_it_is_open_from_its_beginning_until_just_before_its_end(window, at):
    start, end = window.next(at)
    assert window.is_open(start)
    assert window.is_open(end - timedelta(seconds=1))
    assert window.is_open(at) == (start <= at)
    assert window.first_chance(at) == (at if window.is_open(at) else start)


@pytest.mark.parametrize(
    ("at", "start"),
    [
        ("2026-03-28T12:00", "2026-03-29T01:00"),  # at 2:00 the clock says 3:00 already
        ("2026-10-24T12:00", "2026-10-25T00:00"),  # 2:00 comes twice: the first of them
        ("2026-11-24T12:00", "2026-11-25T01:00"),
        ("2026-07-01T03:59", "2026-07-01T00:00"),  # it is open
    ],
)
def test_clocks_that_are_put_forward_and_back(at, start):
    assert Window(None, 2, BERLIN).next(utc(at)) == (utc(start), utc(start) + timedelta(hours=4))


def test_a_window_may_go_on_past_midnight():
    sunday_night = Window(6, 23, BERLIN)
    assert sunday_night.is_open(utc("2026-11-30T01:00"))  # Monday at two, there
    assert not sunday_night.is_open(utc("2026-11-30T22:30"))


@given(moments, st.integers(0, 200))
def test_rest_that_skips_weekends_counts_working_hours_alone(since, hours):
    end = rested_at(since, hours, skips_weekends=True)
    minutes = int((end - since).total_seconds() // 60)
    counted = sum((since + timedelta(minutes=minute)).weekday() < 5 for minute in range(0, minutes, 30)) / 2
    assert counted == pytest.approx(hours, abs=1.1)
    assert rested_at(since, hours, skips_weekends=False) == since + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("since", "end"),
    [
        ("2026-11-24T12:00", "2026-11-26T12:00"),  # Tuesday
        ("2026-11-27T12:00", "2026-12-01T12:00"),  # Friday
        ("2026-11-28T12:00", "2026-12-02T00:00"),  # Saturday
    ],
)
def test_two_working_days(since, end):
    assert rested_at(utc(since), 48, skips_weekends=True) == utc(end)


def test_a_moment_in_words_is_right_whenever_it_is_read():
    assert in_words(utc("2026-12-01T13:00"), BERLIN) == "Tuesday 1 December, 14:00 Berlin time"
    assert in_words(utc("2026-12-01T13:00"), "UTC") == "Tuesday 1 December, 13:00 UTC"
