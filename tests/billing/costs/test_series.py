"""A jump in cost: much more than usual, since a day; what is flat, small, young or accepted is none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.costs.series import DAY, Jump, days_between, find_jump, is_dearer, level

UNTIL = date(2026, 11, 28)
LONG_AGO = date(2026, 1, 1)
DOLLAR = 1_000_000_000
amounts = st.integers(min_value=-(10**13), max_value=10**13)


def series(*dollars: int) -> dict[date, int]:
    """The last days before UNTIL; 10 dollars on each day before those."""
    usual = [10] * (16 - len(dollars))
    return dict(zip(days_between(UNTIL - 16 * DAY, UNTIL), (each * DOLLAR for each in [*usual, *dollars]), strict=True))


def jump(costs, **fields):
    return find_jump(costs, **{"until": UNTIL, "known_since": LONG_AGO} | fields)


@given(amounts)
def test_a_flat_series_never_jumps(amount):
    assert jump(dict.fromkeys(days_between(UNTIL - 20 * DAY, UNTIL), amount)) is None


@given(st.lists(amounts, min_size=16, max_size=16))
def test_what_jumps_is_dearer_since_a_day_of_the_window(found):
    costs = dict(zip(days_between(UNTIL - 16 * DAY, UNTIL), found, strict=True))
    if one := jump(costs):
        assert is_dearer(one.after, one.before)
        assert is_dearer(costs[one.since], one.before)
        assert UNTIL - 16 * DAY <= one.since < UNTIL


@given(st.lists(st.integers(0, 10**13), min_size=16, max_size=16))
def test_what_falls_never_jumps(found):
    costs = dict(zip(days_between(UNTIL - 16 * DAY, UNTIL), sorted(found, reverse=True), strict=True))
    assert jump(costs) is None


def test_a_jump_is_found_with_its_day_and_both_levels():
    assert jump(series(20, 20)) == Jump(date(2026, 11, 26), 10 * DOLLAR, 20 * DOLLAR)
    assert jump(series(20, 21, 22, 24)) == Jump(date(2026, 11, 24), 10 * DOLLAR, 23 * DOLLAR)


def test_a_single_dear_day_is_one_when_it_is_much():
    assert jump(series(20, 10)) == Jump(date(2026, 11, 26), 10 * DOLLAR, 15 * DOLLAR)


@pytest.mark.parametrize("dollars", [13, 12, 9, 0])
def test_what_is_within_thirty_percent_or_two_dollars_is_none(dollars):
    assert jump(series(dollars, dollars)) is None
    assert jump({UNTIL - DAY: 2 * DOLLAR, UNTIL - 2 * DAY: 2 * DOLLAR}) is None


def test_what_is_charged_for_the_first_time_is_one():
    assert jump({UNTIL - DAY: 3 * DOLLAR, UNTIL - 2 * DAY: 3 * DOLLAR}) == Jump(UNTIL - 2 * DAY, 0, 3 * DOLLAR)


def test_what_is_younger_than_a_week_has_nothing_usual():
    known = UNTIL - timedelta(days=8)
    assert jump({day: cost for day, cost in series(20, 20).items() if day >= known}, known_since=known) is None
    known -= DAY
    assert jump({day: cost for day, cost in series(20, 20).items() if day >= known}, known_since=known)


def test_what_somebody_has_accepted_is_usual():
    assert jump(series(20, 20), accepted=20 * DOLLAR) is None
    assert jump(series(40, 40), accepted=20 * DOLLAR) == Jump(date(2026, 11, 26), 20 * DOLLAR, 40 * DOLLAR)


def test_a_level_is_the_average_of_the_last_two_days():
    assert level(series(20, 31), UNTIL) == 51 * DOLLAR // 2
    assert level({}, UNTIL) == 0
