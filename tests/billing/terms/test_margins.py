"""What customers pay in a month, and what is left of it: whole numbers, dollars alone are compared."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.terms.margins import Charged, Margin, Pays, margin, pays, together

charged = st.lists(
    st.builds(
        Charged,
        quantity=st.integers(0, 10_000),
        unit_amount=st.integers(0, 10**7),
        currency=st.sampled_from(["usd", "eur"]),
        interval=st.sampled_from(["month", "year"]),
    ),
    max_size=8,
)


def of(cents: int) -> Pays:
    return Pays({"usd": cents})


@given(charged)
def test_a_month_is_all_months_and_a_twelfth_of_all_years_rounded_once(items):
    found = pays(items)
    for currency, cents in found.monthly.items():
        exact = sum(
            Fraction(each.quantity * (each.unit_amount or 0), 1 if each.interval == "month" else 12)
            for each in items
            if each.currency == currency
        )
        assert type(cents) is int
        assert abs(Fraction(cents) - exact) <= Fraction(1, 2)


@given(st.integers(1, 10**9), st.integers(-(10**6), 10**9))
def test_what_is_left_and_what_it_costs_make_up_what_is_paid(paid, cost):
    found = margin(of(paid), cost)
    assert found is not None
    assert found.cents + cost == paid
    assert abs(found.percent - Fraction(100 * found.cents, paid)) <= Fraction(1, 2)


def test_a_years_price_counts_by_its_twelfth():
    assert pays([Charged(25, 19_00, "usd", "month"), Charged(10, 100_00, "usd", "year")]).monthly == {"usd": 558_33}


@pytest.mark.parametrize(
    ("paid", "cost"),
    [
        (of(100), None),
        (of(0), 10),
        (Pays(), 10),
        (Pays({"eur": 100}), 10),
        (Pays({"usd": 100, "eur": 100}), 10),
        (Pays({"usd": 100}, is_known=False), 10),
    ],
)
def test_there_is_no_margin_where_nothing_can_be_compared(paid, cost):
    assert margin(paid, cost) is None


def test_an_instance_may_cost_more_than_it_brings():
    assert margin(of(100_00), 150_00) == Margin(-50_00, -50)


def test_currencies_are_shown_side_by_side():
    found = together([Pays({"usd": 100_00}), Pays({"eur": 5}), pays([Charged(1, None, "usd", "month")])])
    assert found.shown == "0.05 EUR + 100.00 USD + more"
