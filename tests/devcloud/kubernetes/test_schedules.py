"""When a CronJob is due."""

from datetime import UTC, datetime

import pytest

from devcloud.kubernetes.schedules import parse


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("schedule", "after", "next_one"),
    [
        ("7 * * * *", "2026-12-01T12:06:59", "2026-12-01T12:07:00"),
        ("7 * * * *", "2026-12-01T12:07:00", "2026-12-01T13:07:00"),
        ("*/15 * * * *", "2026-12-01T12:31:00", "2026-12-01T12:45:00"),
        ("30 2-4,6 * * *", "2026-12-01T04:30:00", "2026-12-01T06:30:00"),
        ("0 0 1 jan *", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("0 9 * * mon-fri", "2026-12-04T09:00:00", "2026-12-07T09:00:00"),
        ("0 0 13 * fri", "2026-12-01T00:00:00", "2026-12-04T00:00:00"),  # one of the two is enough
        ("@daily", "2026-12-01T00:00:00", "2026-12-02T00:00:00"),
        ("0 0 29 2 *", "2026-12-01T00:00:00", "2028-02-29T00:00:00"),
    ],
)
def test_the_next_time_is_the_first_that_fits(schedule, after, next_one):
    assert parse(schedule).after(at(after)) == at(next_one)


def test_a_time_zone_counts():
    assert parse("0 2 * * *", "Europe/Berlin").after(at("2026-12-01T00:00:00")) == at("2026-12-01T01:00:00")


def test_a_day_that_never_comes_never_comes():
    assert parse("0 0 30 2 *").after(at("2026-12-01T00:00:00")) is None


def test_of_those_that_were_missed_the_last_is_due():
    schedule = parse("7 * * * *")
    assert schedule.due(at("2026-12-01T08:07:00"), at("2026-12-01T12:30:00")) == at("2026-12-01T12:07:00")
    assert schedule.due(at("2026-12-01T12:07:00"), at("2026-12-01T12:30:00")) is None


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "x * * * *"])
def test_what_is_none_is_refused(text):
    with pytest.raises(ValueError):
        parse(text)
