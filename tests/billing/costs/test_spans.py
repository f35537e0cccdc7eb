"""What an instance costs in a span: pieces make up the whole, a suspended one costs less, a forecast is no less."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.costs import bundled
from billing.costs.history import State, stretches
from billing.costs.needs import month_of
from billing.costs.spans import Rates, as_nanos, costs_by_day, month_around, reckoned, state_at, used
from portal.core.errors import Invalid
from tests.billing.costs.lives import ALL, BEGIN, END, change, day, life, lives, moments, never_suspended, sizes

RATES = Rates(bundled.NANOS)
SHARE = Decimal(24) / 730  # of a month's price that a day costs


@given(lives, st.lists(moments, max_size=10))
def test_a_span_cut_into_pieces_sums_to_the_span(one, cuts):
    found, edges = stretches(one), [BEGIN, *sorted(cuts), END]
    pieces = [used(found, RATES, since, until) for since, until in pairwise(edges)]
    assert sum(pieces) == used(found, RATES, BEGIN, END)


@given(lives, moments, moments)
def test_a_suspended_instance_never_costs_more_than_a_running_one(one, a_moment, another):
    since, until = sorted([a_moment, another])
    running = used(stretches(never_suspended(one)), RATES, since, until)
    assert used(stretches(one), RATES, since, until) <= running


@given(sizes)
def test_a_suspended_size_costs_less_and_not_nothing(size):
    running, suspended = RATES.bill(State(size)), RATES.bill(State(size, is_suspended=True))
    assert 0 < suspended.nanos < running.nanos
    assert suspended.cents_of("nodes") == 0
    assert RATES.bill(State(size, is_suspended=True, executors=3)) == suspended
    assert [suspended.cents_of(part) for part in ("cluster", "volumes")] == [
        running.cents_of(part) for part in ("cluster", "volumes")
    ]


@given(lives, moments)
def test_a_forecast_is_never_below_the_month_to_date(one, now):
    found = reckoned(stretches(one), RATES, now)
    assert found.forecast >= found.to_date >= 0
    assert all(type(cents) is int for cents in (found.forecast, found.to_date, found.month))


@given(lives)
def test_days_add_up_to_their_span_but_for_a_rounding_of_each_line(one):
    days = [date(2026, 11, number) for number in range(1, 31)]
    by_thing = costs_by_day(stretches(one), RATES, days)
    whole = as_nanos(used(stretches(one), RATES, day("11-01"), day("12-01")))
    assert abs(sum(sum(of_thing.values()) for of_thing in by_thing.values()) - whole) <= len(days) * len(bundled.NANOS)


def test_what_stays_of_a_suspended_instance_are_disks_addresses_backups_and_the_cluster():
    kept = {(need.part, need.key) for need in month_of(ALL["s"], is_suspended=True)}
    assert kept == {
        ("cluster", "cluster"), ("volumes", "pd-balanced"), ("database", "sql-disk"), ("network", "forwarding"),
        ("network", "address"), ("backups", "sql-backup"), ("backups", "backup-pod"), ("backups", "backup-storage"),
    }  # fmt: skip


def test_half_a_month_costs_what_its_hours_cost_and_the_forecast_goes_on():
    found = reckoned(stretches(life("s", "10-01")), RATES, day("11-16"))
    month = RATES.bill(State(ALL["s"])).cents
    assert found.month == month == 462_12
    assert found.to_date == round(month * SHARE * 15)
    assert found.forecast == round(month * SHARE * 30)


def test_a_resize_costs_from_when_it_has_succeeded():
    one = stretches(life("m", "10-01", changes=(change("10-01"), change("11-11", "m"))))
    small, medium = (RATES.bill(State(ALL[name])).nanos * SHARE for name in ("s", "m"))
    assert as_nanos(used(one, RATES, day("11-01"), day("12-01"))) == pytest.approx(small * 10 + medium * 20, abs=2)


def test_a_deleted_instance_has_cost_something_this_month_and_costs_nothing_from_there():
    found = reckoned(stretches(life("s", "10-01", deleted_at=day("11-11"))), RATES, day("11-20"))
    assert found.to_date == found.forecast > 0
    assert found.month == 0


def test_what_is_made_of_unknown_parts_has_no_sum():
    with pytest.raises(Invalid):
        reckoned(stretches(life()), Rates({}), day("11-20"))


def test_a_month_is_that_of_utc():
    assert month_around(day("12-31", 23)) == (day("12-01"), day("12-31") + timedelta(days=1))
    assert state_at(stretches(life()), day("10-31")) is None
