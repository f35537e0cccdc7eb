"""Shares, budgets and burn rates, and what counts as maintenance."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.fleet.windows import Window
from provisioning.health.slo import Span, Uptime, budget_left, burn, day_span, month_span, planned_part, total

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
WINDOW = Window(weekday=None, hour=1, zone="UTC", hours=4)
SECONDS = st.floats(0, 1e6)


def at(hour: float) -> datetime:
    return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hour)


def test_both_figures_are_told():
    found = Uptime(watched=100_000, down=300, planned=200)
    assert found.share == pytest.approx(0.999)
    assert found.share_with_maintenance == pytest.approx(0.997)


def test_who_was_not_watched_has_no_figure():
    assert (Uptime().share, Uptime().share_with_maintenance) == (None, None)


def test_a_month_may_lose_forty_three_minutes():
    assert budget_left(Uptime(down=43.2 * 60), 0.999, MONTH) == pytest.approx(0)
    assert budget_left(Uptime(down=21.6 * 60), 0.999, MONTH) == pytest.approx(0.5)
    assert budget_left(Uptime(down=43.2 * 60, planned=43.2 * 60), 0.999, MONTH) == 1
    assert budget_left(Uptime(down=86.4 * 60), 0.999, MONTH) == pytest.approx(-1)


def test_a_burn_is_how_often_the_budget_of_the_window_is_spent():
    hour = timedelta(hours=1)
    assert burn(3.6, 0.999, hour) == pytest.approx(1)
    assert burn(36, 0.999, hour) == pytest.approx(10)
    assert burn(36, 0.999, hour, count=10) == pytest.approx(1)
    assert burn(36, 1.0, hour) == 0


@given(st.lists(st.builds(Uptime, SECONDS, SECONDS, SECONDS)))
def test_parts_add_up(parts):
    whole = total(parts)
    assert whole.watched == pytest.approx(sum(part.watched for part in parts))
    assert whole.unplanned == pytest.approx(sum(part.unplanned for part in parts), abs=1e-3)


@given(watched=st.floats(1, 1e6), down=SECONDS, share=st.floats(0, 1))
def test_a_figure_is_a_share_and_maintenance_never_makes_it_better(watched, down, share):
    found = Uptime(watched, min(down, watched), min(down, watched) * share)
    assert found.share is not None
    assert found.share_with_maintenance is not None
    assert 0 <= found.share_with_maintenance <= found.share <= 1


class TestMaintenance:
    def test_is_what_a_change_takes_away_in_the_window(self):
        assert planned_part(Span(at(2), at(3)), Span(at(1.5), at(4)), WINDOW) == Span(at(2), at(3))

    def test_ends_with_the_change(self):
        assert planned_part(Span(at(2), at(4)), Span(at(1.5), at(3)), WINDOW).seconds == 3600

    def test_ends_with_the_window(self):
        assert planned_part(Span(at(4.5), at(8)), Span(at(4), at(9)), WINDOW).seconds == 1800

    def test_is_nothing_outside_the_window(self):
        assert planned_part(Span(at(12), at(13)), Span(at(11), at(14)), WINDOW).seconds == 0

    def test_is_nothing_without_a_change(self):
        assert planned_part(Span(at(2), at(3)), None, WINDOW).seconds == 0


def test_days_and_months_are_those_of_the_calendar():
    assert day_span(date(2026, 11, 24)) == Span(at(0), at(24))
    assert month_span(date(2026, 2, 14)).seconds == 28 * 86_400
    assert month_span(date(2028, 2, 1)).seconds == 29 * 86_400
    assert month_span(date(2026, 12, 31)).end == datetime(2027, 1, 1, tzinfo=UTC)


def test_spans_that_do_not_meet_have_nothing_in_common():
    assert Span(at(1), at(2)).within(Span(at(3), at(4))).seconds == 0
