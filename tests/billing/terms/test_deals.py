"""What a deal comes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Interval
from billing.terms.deals import Deal, taken_off

AMOUNTS, PERCENTS = st.integers(0, 10**9), st.integers(0, 100)


@given(AMOUNTS, PERCENTS)
def test_what_is_taken_off_and_what_is_left_are_the_whole_and_neither_is_below_nothing(amount, percent):
    off = taken_off(amount, percent)
    assert 0 <= off <= amount
    assert abs(off * 100 - amount * percent) <= 50


@given(AMOUNTS, PERCENTS, st.none() | st.integers(1, 36), st.sampled_from(Interval))
def test_a_year_lies_between_twelve_months_at_the_price_and_by_list(amount, percent, months, interval):
    deal = Deal(amount, "usd", interval, percent, months)
    bills = 12 if interval is Interval.MONTH else 1
    assert deal.price * bills <= deal.first_year <= amount * bills
    assert months is None or months >= 12 or deal.first_year >= Deal(amount, "usd", interval, percent).first_year


@pytest.mark.parametrize(
    ("deal", "year"),
    [
        (Deal(1_000, "usd", Interval.MONTH), 12_000),
        (Deal(1_000, "usd", Interval.MONTH, 10), 10_800),
        (Deal(1_000, "usd", Interval.MONTH, 10, 3), 11_700),
        (Deal(10_000, "usd", Interval.YEAR, 10, 3), 9_000),
    ],
)
def test_the_discount_counts_for_the_bills_that_begin_while_it_lasts(deal, year):
    assert deal.first_year == year


def test_it_is_told_in_numbers():
    told = Deal(1_000_00, "usd", Interval.MONTH, 15, 6).sentences
    assert told[0] == "850.00 USD each month in place of 1,000.00 USD: 15 % off for 6 months."
    assert told[1] == "11,100.00 USD in the first year."
