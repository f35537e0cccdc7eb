"""A feature joins a subscription at once and leaves it at renewal; what else was planned for then stays planned."""

import pytest

from billing.models import Feature, Invoice, OptIn, Subscription
from billing.services.adding import addition_preview, feature_add, feature_keep, feature_stop
from billing.services.changing import seats_of, seats_set, subscription_end
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from tests.billing.mirror import again

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
TEAM = {"team-month-usd-1": 30, "static-address-month-usd-1": 1}


def has(subscription: Subscription) -> dict[str, int]:
    return {str(item.price_id).removesuffix("-month-usd-1"): item.quantity for item in subscription.items.all()}


def feature(name: str) -> Feature:
    return Feature.objects.get(pk=name)


@pytest.fixture
def subscription(shop, account, trial) -> Subscription:
    shop.subscribe(account, TEAM, trial.pk)
    return again()


@pytest.fixture
def add(trial, subscription, by_alice):
    def add(name: str, units: int = 1, key: str = "one") -> Subscription:
        asked = {"instance": trial, "subscription": again(), "feature": feature(name), "units": units}
        feature_add(**asked, key=key, actor=by_alice)
        return again()

    return add


class TestAdding:
    def test_is_said_before_and_paid_for_at_once(self, shop, account, trial, subscription, add):
        shop.later(account, days=15)
        told = addition_preview(trial, again(), feature("batch-changes"))
        assert (told.line.quantity, told.line.amount, told.often) == (30, 30 * 6_00, "monthly")
        found = add("batch-changes")
        assert has(found) == {"team": 30, "static-address": 1, "batch-changes": 30}
        assert told.preview.due_now == Invoice.objects.latest("created_at").total
        assert 0 < told.preview.due_now < 30 * 6_00
        event = AuditEvent.objects.get(action="subscription.feature-add")
        assert event.details == {"feature": "batch-changes", "units": 30}

    def test_means_that_it_is_wanted(self, add):
        add("batch-changes")
        assert set(OptIn.objects.values_list("feature", flat=True)) == {"static-address", "batch-changes"}

    def test_twice_is_charged_once(self, trial, subscription, by_alice):
        asked = {"instance": trial, "subscription": subscription, "feature": feature("batch-changes"), "units": 1}
        for _ in range(2):
            feature_add(**asked, key="one", actor=by_alice)
        assert has(again())["batch-changes"] == 30
        assert Invoice.objects.count() == 2

    def test_so_many_of_what_is_counted(self, trial, add):
        type(trial).objects.update(size="s")
        trial.refresh_from_db()
        assert has(add("executors", units=3))["executors"] == 3
        assert OptIn.objects.get(feature="executors").units == 3

    def test_that_cannot_be_paid_adds_nothing(self, shop, account, add):
        shop.pay_with(account, "pm_card_chargeCustomerFail")
        found = add("batch-changes")
        assert (has(found), found.status) == ({"team": 30, "static-address": 1}, "active")
        assert not OptIn.objects.filter(feature="batch-changes").exists()

    @pytest.mark.parametrize(
        ("name", "units", "refused", "why"),
        [
            ("static-address", 1, Conflict, "part of the subscription already"),
            ("allow-list", 1, Invalid, "comes with other plans"),
            ("executors", 1, Invalid, "at least size S"),
        ],
    )
    def test_of_what_it_cannot_have_says_why(self, add, name, units, refused, why):
        with pytest.raises(refused, match=why):
            add(name, units)

    def test_beside_what_is_planned_is_refused_before_anybody_agrees(self, trial, subscription, by_alice):
        feature_stop(subscription=subscription, feature=feature("static-address"), actor=by_alice)
        with pytest.raises(Conflict, match="changes with the next period already"):
            addition_preview(trial, again(), feature("batch-changes"))

    def test_of_a_draft_is_refused(self, add):
        Feature.objects.filter(pk="batch-changes").update(status="draft")
        with pytest.raises(Invalid, match="is not sold"):
            add("batch-changes")


class TestStopping:
    @pytest.fixture
    def stopped(self, subscription, by_alice) -> Subscription:
        feature_stop(subscription=subscription, feature=feature("static-address"), actor=by_alice, reason="Not needed.")
        return again()

    def test_comes_with_the_next_period(self, shop, account, stopped):
        assert {str(item.price_id): item.next_quantity for item in stopped.items.all()} == {
            "team-month-usd-1": 30,
            "static-address-month-usd-1": 0,
        }
        shop.later(account, days=31)
        assert has(again()) == {"team": 30}
        assert Invoice.objects.latest("created_at").total == 30 * 19_00

    def test_may_be_taken_back_until_then(self, shop, account, stopped, by_alice):
        feature_keep(subscription=stopped, feature=feature("static-address"), actor=by_alice)
        assert {item.next_quantity for item in again().items.all()} == {None}
        shop.later(account, days=31)
        assert has(again())["static-address"] == 1
        with pytest.raises(Conflict, match="goes on anyway"):
            feature_keep(subscription=again(), feature=feature("static-address"), actor=by_alice)

    def test_is_asked_for_once(self, stopped, by_alice):
        with pytest.raises(Conflict, match="ends already"):
            feature_stop(subscription=stopped, feature=feature("static-address"), actor=by_alice)

    @pytest.mark.parametrize("seats", [25, 40])
    def test_stays_planned_when_seats_change(self, shop, account, stopped, by_alice, seats):
        seats_set(subscription=stopped, seats=seats, key="one", actor=by_alice)
        shop.later(account, days=31)
        assert has(again()) == {"team": seats}

    def test_leaves_fewer_seats_planned(self, shop, account, subscription, by_alice):
        seats_set(subscription=subscription, seats=25, key="one", actor=by_alice)
        feature_stop(subscription=again(), feature=feature("static-address"), actor=by_alice)
        assert seats_of(again()) == 30
        shop.later(account, days=31)
        assert has(again()) == {"team": 25}

    def test_of_a_subscription_that_ends_needs_no_asking(self, subscription, by_alice):
        subscription_end(subscription=subscription, actor=by_alice)
        with pytest.raises(Conflict, match="ends already"):
            feature_stop(subscription=again(), feature=feature("static-address"), actor=by_alice)
