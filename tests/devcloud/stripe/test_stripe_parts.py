"""The small parts: forms, types and money."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devcloud.stripe import handlers
from devcloud.stripe.call import METHODS, match
from devcloud.stripe.errors import StripeError
from devcloud.stripe.forms import decode
from devcloud.stripe.money import percentage, rounded, share, spread, written
from devcloud.stripe.typed import check, parameters


def test_brackets_are_branches():
    text = "items[0][price]=p&items[1][quantity]=2&expand[]=a&expand[]=b&metadata[key]=a%20b"
    assert decode(text) == {
        "items": {"0": {"price": "p"}, "1": {"quantity": "2"}},
        "expand": {"0": "a", "1": "b"},
        "metadata": {"key": "a b"},
    }


@pytest.mark.parametrize("text", ["a[b=1", "a=1&a[b]=2", "[a]=1"])
def test_a_name_that_is_no_name_is_refused(text):
    with pytest.raises(StripeError):
        decode(text)


def test_every_method_has_its_parameters_in_the_sdk():
    handlers.load()
    assert len(METHODS) > 100
    for method in METHODS:
        with pytest.raises(StripeError, match="unknown parameter"):
            check(parameters(method.parameters), {"no such parameter": "1"})


def test_of_two_addresses_the_more_exact_one_is_meant():
    handlers.load()
    found = match("POST", "/v1/invoices/create_preview")
    assert found
    assert found[0].id == "invoices.create_preview"


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_and_half_away_from_zero(number, whole):
    exact = Fraction(number, whole)
    assert abs(rounded(exact) - exact) <= Fraction(1, 2)
    assert rounded(-exact) == -rounded(exact)


def test_a_half_goes_away_from_zero():
    assert [rounded(Fraction(number, 2)) for number in (-3, -1, 1, 3)] == [-2, -1, 1, 2]


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_parts_add_up_to_the_whole(total, weights):
    assert sum(spread(total, weights)) == (total if sum(weights) else 0)


def test_a_percentage_is_exact_before_it_is_rounded():
    assert (percentage(1000, 12.5), percentage(999, "33.3"), share(10, 0, 0)) == (125, 333, 0)


def test_amounts_are_written_as_people_write_them():
    assert [written(*each) for each in ((123456, "usd"), (-5, "eur"), (1200, "jpy"), (100, "sek"))] == [
        "$1,234.56",
        "-€0.05",
        "¥1,200",
        "SEK 1.00",
    ]
