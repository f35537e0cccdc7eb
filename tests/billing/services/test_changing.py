"""Seats go up at once and down at renewal; an end comes with the period, and may be taken back."""

import pytest

from billing.models import Invoice, Subscription
from billing.services.changing import seats_of, seats_preview, seats_set, subscription_end, subscription_go_on
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from tests.billing.mirror import again
from tests.billing.shop import BEGIN

pytestmark = pytest.mark.django_db
WANTED = {"team-month-usd-1": 30, "batch-changes-month-usd-1": 30, "static-address-month-usd-1": 1}


@pytest.fixture
def subscription(shop, account, trial) -> Subscription:
    shop.subscribe(account, WANTED, trial.pk)
    return again()


def quantities(subscription: Subscription) -> dict[str, int]:
    return {item.price.pk: item.quantity for item in subscription.items.all() if item.price}


class TestMore:
    def test_are_said_before_and_paid_for_at_once(self, shop, account, subscription, by_alice):
        shop.later(account, days=15)
        change = seats_preview(subscription, 40)
        seats_set(subscription=subscription, seats=40, key="one", actor=by_alice)
        found = again()
        assert quantities(found) == {
            "team-month-usd-1": 40,
            "batch-changes-month-usd-1": 40,
            "static-address-month-usd-1": 1,
        }
        assert change.is_more
        assert change.due_now == Invoice.objects.latest("created_at").total
        assert 0 < change.due_now < 10 * 25_00
        event = AuditEvent.objects.get(action="subscription.seats")
        assert (event.details, event.organization_id) == ({"from": 30, "to": 40}, found.account_id)

    def test_asked_twice_are_paid_for_once(self, shop, account, subscription, by_alice):
        shop.later(account, days=15)
        for _ in range(2):
            seats_set(subscription=subscription, seats=40, key="one", actor=by_alice)
        again()
        assert Invoice.objects.count() == 2

    def test_that_cannot_be_paid_are_not_there(self, shop, account, subscription, by_alice):
        shop.pay_with(account, "pm_card_chargeCustomerFail")
        shop.later(account, days=15)
        seats_set(subscription=subscription, seats=40, key="one", actor=by_alice)
        found = again()
        assert (seats_of(found), found.status) == (30, "active")


class TestFewer:
    def test_come_with_the_next_period(self, shop, account, subscription, by_alice):
        change = seats_set(subscription=subscription, seats=25, key="one", actor=by_alice)
        assert (change.is_more, change.at) == (False, subscription.period_ends_at)
        found = again()
        assert seats_of(found) == 30
        assert {item.next_quantity for item in found.items.all()} == {25, 1}
        shop.later(account, days=31)
        found = again()
        assert quantities(found)["batch-changes-month-usd-1"] == seats_of(found) == 25
        assert Invoice.objects.latest("created_at").total == 25 * 25_00 + 60_00

    def test_may_be_taken_back(self, subscription, by_alice):
        seats_set(subscription=subscription, seats=25, key="one", actor=by_alice)
        seats_set(subscription=again(), seats=30, key="two", actor=by_alice)
        assert {item.next_quantity for item in again().items.all()} == {None}

    def test_are_forgotten_when_more_are_wanted(self, subscription, by_alice):
        seats_set(subscription=subscription, seats=25, key="one", actor=by_alice)
        seats_set(subscription=again(), seats=31, key="two", actor=by_alice)
        found = again()
        assert seats_of(found) == 31
        assert {item.next_quantity for item in found.items.all()} == {None}


@pytest.mark.parametrize(
    ("seats", "why"), [(24, "From 25 to 5,000"), (5_001, "From 25 to 5,000"), (30, "There are 30 seats already")]
)
def test_a_number_that_cannot_be_is_refused(subscription, by_alice, seats, why):
    with pytest.raises(Invalid, match=why):
        seats_set(subscription=subscription, seats=seats, key="one", actor=by_alice)


def test_who_owes_settles_that_first(subscription, by_alice):
    Subscription.objects.update(status="past_due")
    subscription.refresh_from_db()
    with pytest.raises(Conflict, match="A payment is missing"):
        seats_set(subscription=subscription, seats=40, key="one", actor=by_alice)


class TestAnEnd:
    def test_comes_with_the_period_and_not_before(self, shop, account, subscription, by_alice):
        subscription_end(subscription=subscription, actor=by_alice, reason="We move on.")
        found = again()
        assert (found.status, found.cancel_at) == ("active", BEGIN.replace(month=12))
        assert AuditEvent.objects.get(action="subscription.end").reason == "We move on."
        shop.later(account, days=31)
        assert again().status == "canceled"

    def test_may_be_taken_back_until_then(self, shop, account, subscription, by_alice):
        subscription_end(subscription=subscription, actor=by_alice)
        subscription_go_on(subscription=again(), actor=by_alice)
        shop.later(account, days=31)
        assert (again().status, again().cancel_at) == ("active", None)

    def test_that_is_taken_back_leaves_planned_what_was(self, shop, account, subscription, by_alice):
        seats_set(subscription=subscription, seats=25, key="one", actor=by_alice)
        subscription_end(subscription=again(), actor=by_alice)
        assert {item.next_quantity for item in again().items.all()} == {None}
        subscription_go_on(subscription=again(), actor=by_alice)
        assert {item.next_quantity for item in again().items.all()} == {25, 1}
        assert set(shop.api.subscriptions.retrieve(subscription.pk).metadata.to_dict()) == {"instance"}
        shop.later(account, days=31)
        assert seats_of(again()) == 25

    def test_is_asked_for_once(self, subscription, by_alice):
        subscription_end(subscription=subscription, actor=by_alice)
        with pytest.raises(Conflict, match="ends already"):
            subscription_end(subscription=again(), actor=by_alice)
        with pytest.raises(Conflict, match="does not end"):
            subscription_go_on(subscription=subscription, actor=by_alice)
