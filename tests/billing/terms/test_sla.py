"""What a broken promise is worth, in whole numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.terms.sla import credit, in_words, is_broken, reached
from provisioning.health.slo import Uptime

MONTH = 30 * 86_400


@pytest.mark.parametrize(
    ("down", "planned", "found"),
    [(0, 0, 10_000), (2_592, 0, 9_990), (2_593, 0, 9_989), (5_000, 5_000, 10_000), (MONTH, 0, 0)],
)
def test_what_was_reached_is_rounded_down_and_maintenance_is_not_counted(down, planned, found):
    assert reached(Uptime(MONTH, down, planned)) == found


def test_a_promise_is_broken_by_a_second_too_many():
    assert not is_broken(Uptime(MONTH, 2_592), 9_990)
    assert is_broken(Uptime(MONTH, 2_593), 9_990)


def test_what_nobody_looked_at_and_what_nobody_promised_breaks_nothing():
    assert not is_broken(Uptime(), 9_990)
    assert not is_broken(Uptime(MONTH, MONTH), 0)


@given(monthly=st.integers(0, 10**9), percent=st.integers(0, 100))
def test_a_credit_is_the_share_of_the_price_to_half_a_unit(monthly, percent):
    found = credit(monthly, percent)
    assert isinstance(found, int)
    assert 0 <= found <= monthly
    assert abs(100 * found - monthly * percent) <= 50


def test_it_is_said_as_people_read_it():
    assert (in_words(9_990), in_words(10_000), in_words(5)) == ("99.90 %", "100.00 %", "0.05 %")
