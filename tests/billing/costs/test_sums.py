"""Money is whole numbers: nothing is lost between the lines and the sum, and cents are rounded once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.costs.items import ITEMS
from billing.costs.needs import Need
from billing.costs.sums import NANOS_A_CENT, as_cents, bill, round_half_up
from portal.core.errors import Invalid

needs = st.lists(
    st.builds(
        Need,
        part=st.sampled_from(["nodes", "volumes"]),
        key=st.sampled_from(sorted(ITEMS)),
        amount=st.decimals(min_value=0, max_value=10**6, places=3),
    ),
    max_size=20,
)
books = st.fixed_dictionaries({key: st.integers(min_value=0, max_value=10**10) for key in ITEMS})


@given(needs, books)
def test_the_sum_is_that_of_the_exact_products_to_half_a_nano_for_each_line(needs, book):
    total = bill(needs, book)
    exact = sum((Fraction(need.amount) * book[need.key] for need in needs), Fraction(0))
    assert abs(sum(line.nanos for line in total.lines) - exact) <= Fraction(len(needs), 2)
    assert abs(total.cents - exact / NANOS_A_CENT) <= Fraction(1, 2) + Fraction(len(needs), 2 * NANOS_A_CENT)
    assert all(type(line.nanos) is int for line in total.lines)
    assert type(total.cents) is int


@given(needs, books)
def test_the_parts_make_up_the_whole_but_for_roundings(needs, book):
    total = bill(needs, book)
    assert abs(total.cents - total.cents_of("nodes") - total.cents_of("volumes")) <= 1


@given(st.integers(min_value=0, max_value=10**15))
def test_half_a_cent_is_rounded_up(nanos):
    assert as_cents(nanos) == int(Decimal(nanos) / NANOS_A_CENT + Decimal("0.5"))


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=10**4))
def test_a_quotient_is_the_nearest_whole_number(amount, by):
    assert abs(Fraction(amount, by) - round_half_up(amount, by)) <= Fraction(1, 2)


def test_an_item_without_a_price_is_named():
    with pytest.raises(Invalid, match="cluster management"):
        bill([Need("cluster", "cluster", Decimal(1))], {})
