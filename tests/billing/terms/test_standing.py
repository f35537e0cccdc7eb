"""Where an instance stands: each state of a subscription, at each moment that matters, and all pairs of them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from billing.models import SubscriptionStatus
from billing.terms.standing import MEANING, Effect, Paid, Periods, State, standing
from provisioning.models import Kind, SuspensionNotice
from tools.paths import PROJECT

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
PERIODS = Periods(grace=14 * DAY, trial_kept=14 * DAY, subscription_kept=30 * DAY)
STATUS = SubscriptionStatus
AS_IF_NONE = [STATUS.INCOMPLETE, STATUS.INCOMPLETE_EXPIRED]


def at(*subscriptions: Paid, kind=Kind.PRODUCTION, trial_ends_at=None, now=NOW):
    return standing(kind, trial_ends_at, subscriptions, PERIODS, now)


def test_every_status_that_stripe_has_means_something():
    assert set(MEANING) == set(STATUS)


def test_the_documentation_has_the_same_table():
    lines = (PROJECT / "docs" / "states.md").read_text().splitlines()
    begin = lines.index("| status | its instance |") + 2
    told = [tuple(line.strip("| ").split(" | ")) for line in lines[begin : begin + len(MEANING)]]
    assert told == [(str(status), str(effect)) for status, effect in MEANING.items()]


class TestATrial:
    def test_runs_until_its_end_and_not_a_second_longer(self):
        before = at(kind=Kind.TRIAL, trial_ends_at=NOW + SECOND)
        assert (before.state, before.runs, before.until) == (State.TRIAL, True, NOW + SECOND)
        after = at(kind=Kind.TRIAL, trial_ends_at=NOW)
        assert (after.state, after.notice) == (State.TRIAL_ENDED, SuspensionNotice.TRIAL_ENDED)
        assert after.delete_at == NOW + 14 * DAY

    @pytest.mark.parametrize("status", AS_IF_NONE)
    def test_is_not_touched_by_what_nobody_has_paid(self, status):
        assert at(Paid(status), kind=Kind.TRIAL, trial_ends_at=NOW + DAY).state == State.TRIAL
        assert at(Paid(status), kind=Kind.TRIAL, trial_ends_at=NOW - DAY).state == State.TRIAL_ENDED

    @pytest.mark.parametrize("ends", [NOW - DAY, NOW + DAY])
    def test_that_is_subscribed_is_a_customers_whenever_it_ends(self, ends):
        found = at(Paid(STATUS.ACTIVE), kind=Kind.TRIAL, trial_ends_at=ends)
        assert (found.state, found.runs, found.is_customer, found.delete_at) == (State.SUBSCRIBED, True, True, None)


class TestASubscription:
    @pytest.mark.parametrize("status", [STATUS.ACTIVE, STATUS.TRIALING])
    def test_runs(self, status):
        assert at(Paid(status)).state == State.SUBSCRIBED

    def test_that_is_cancelled_to_its_end_runs_until_then(self):
        found = at(Paid(STATUS.ACTIVE, cancel_at=NOW + DAY))
        assert (found.state, found.runs, found.until) == (State.ENDING, True, NOW + DAY)

    @pytest.mark.parametrize("status", [STATUS.PAST_DUE, STATUS.UNPAID])
    def test_that_is_owed_runs_for_the_days_of_grace(self, status):
        within = at(Paid(status, unpaid_since=NOW - 14 * DAY + SECOND))
        assert (within.state, within.runs, within.until) == (State.GRACE, True, NOW + SECOND)
        beyond = at(Paid(status, unpaid_since=NOW - 14 * DAY))
        assert (beyond.state, beyond.notice, beyond.delete_at) == (State.UNPAID, SuspensionNotice.PAYMENT, None)

    def test_that_is_owed_nobody_knows_since_when_has_all_of_them(self):
        assert at(Paid(STATUS.PAST_DUE)).until == NOW + 14 * DAY

    def test_that_is_paused_stops_at_once(self):
        assert at(Paid(STATUS.PAUSED)).notice == SuspensionNotice.PAYMENT

    def test_that_has_ended_stops_and_its_data_is_kept_for_a_month(self):
        found = at(Paid(STATUS.CANCELED, ended_at=NOW - DAY))
        assert (found.state, found.notice) == (State.ENDED, SuspensionNotice.ENDED)
        assert found.delete_at == NOW + 29 * DAY


def test_of_two_the_better_one_counts_whichever_comes_first():
    for one, other in itertools.permutations(STATUS, 2):
        better = min((one, other), key=list(MEANING).index)
        assert at(Paid(one), Paid(other)) == at(Paid(better)), (one, other)


def test_of_two_that_have_ended_the_later_one_counts():
    ends = [NOW - DAY, NOW - 20 * DAY]
    for order in (ends, ends[::-1]):
        found = at(*(Paid(STATUS.CANCELED, ended_at=end) for end in order))
        assert found.delete_at == NOW + 29 * DAY


def test_what_nobody_bills_runs():
    assert at().state == State.UNBILLED
    assert at(Paid(STATUS.CANCELED, ended_at=NOW), kind=Kind.INTERNAL).state == State.INTERNAL


def test_nothing_that_runs_is_ever_deleted():
    moments = [None, NOW - 100 * DAY, NOW, NOW + DAY]
    for status, unpaid, cancel, ended in itertools.product(STATUS, moments, moments, moments):
        found = at(Paid(status, unpaid, cancel, ended))
        assert not (found.runs and found.delete_at)
        if MEANING[status] is not Effect.ENDS:
            assert found.delete_at is None
