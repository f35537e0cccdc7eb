"""Which of several grounds counts, and when people are told of an end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.terms.entitlements import NOTICE, Entitlement, Source, ends_at, entitlements

NOW = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = NOW - 100 * DAY


def may(source: Source = Source.GRANT, until: int | None = None, **more) -> Entitlement:
    """To code insights; `until` in days from now."""
    return Entitlement("code-insights", source, LONG_AGO, NOW + until * DAY if until is not None else None, **more)


class TestOfSeveral:
    @pytest.mark.parametrize(
        ("given_to", "counts"),
        [
            ([may(Source.TRIAL, 9), may(Source.GRANT, 20)], Source.GRANT),
            ([may(Source.GRANT, 20), may(Source.PLAN)], Source.PLAN),
            ([may(Source.GRANT), may(Source.ADD_ON, 5)], Source.GRANT),
            ([may(Source.GRANT), may(Source.ADD_ON), may(Source.PLAN)], Source.PLAN),
        ],
    )
    def test_the_longest_counts_and_then_what_is_paid_for(self, given_to, counts):
        assert entitlements(given_to, NOW)["code-insights"].source is counts

    def test_units_are_the_most_of_them(self):
        assert entitlements([may(units=2), may(Source.ADD_ON, 5, units=7)], NOW)["code-insights"].units == 7

    @pytest.mark.parametrize("wrong", [may(until=0), may(until=-1), Entitlement("a", Source.GRANT, NOW + DAY)])
    def test_what_is_over_or_still_to_come_does_not_count(self, wrong):
        assert entitlements([wrong], NOW) == {}


@given(
    st.lists(st.tuples(st.sampled_from(Source), st.none() | st.integers(-50, 50)), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_they_are_known_does_not_matter(drawn, chance):
    given_to = [may(source, until) for source, until in drawn]
    mixed = list(given_to)
    chance.shuffle(mixed)
    assert entitlements(given_to, NOW) == entitlements(mixed, NOW)


class TestAnEnd:
    def test_is_told_seven_days_before(self):
        assert ends_at(may(until=8, ends_alone=True), None, NOW) is None
        assert ends_at(may(until=7, ends_alone=True), None, NOW) == NOW + 7 * DAY

    def test_that_came_unannounced_is_put_off_until_people_had_notice(self):
        assert ends_at(None, None, NOW) == NOW + NOTICE

    def test_that_was_announced_stays_when_it_has_come(self):
        assert ends_at(None, NOW - DAY, NOW) == NOW - DAY

    def test_is_forgotten_once_it_goes_on(self):
        assert ends_at(may(), NOW + DAY, NOW) is None

    def test_of_everything_else_too_is_told_elsewhere(self):
        assert ends_at(may(Source.TRIAL, until=2), None, NOW) is None
