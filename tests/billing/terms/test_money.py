"""Sums are whole numbers of minor units, whatever the currency, and lose nothing."""

from hypothesis import given
from hypothesis import strategies as st

from billing.models import Interval
from billing.terms.money import WITHOUT_DECIMALS, money
from billing.terms.offers import Line, Quote

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)
CURRENCIES = st.sampled_from(["usd", "eur", "gbp", "jpy"])


def test_it_reads_as_people_write_it():
    assert [money(amount, "usd") for amount in (0, 5, 105_820)] == ["0.00 USD", "0.05 USD", "1,058.20 USD"]
    assert money(-250, "eur") == "\N{MINUS SIGN}2.50 EUR"
    assert money(1_058, "jpy") == "1,058 JPY"


@given(AMOUNTS, CURRENCIES)
def test_what_is_written_is_the_amount_to_the_last_unit(amount, currency):
    digits = money(amount, currency).split(" ")[0].replace(",", "").replace("\N{MINUS SIGN}", "-")
    places = 0 if currency in WITHOUT_DECIMALS else 2
    assert int(digits.replace(".", "")) == amount
    assert len(digits.partition(".")[2]) == places


@given(
    st.lists(st.tuples(st.integers(1, 5_000), st.integers(1, 99_999_999)), min_size=1, max_size=12),
    CURRENCIES,
)
def test_a_quote_is_the_sum_of_its_lines_and_no_float(pairs, currency):
    lines = tuple(Line("x", quantity, "seat", unit, currency, "x", "price_x") for quantity, unit in pairs)
    total = Quote(Interval.MONTH, currency, lines).total
    assert isinstance(total, int)
    assert total == sum(quantity * unit for quantity, unit in pairs)
