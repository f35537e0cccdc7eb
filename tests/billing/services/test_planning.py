"""A subscription goes on as another plan: up at once, down at renewal, and what else was planned stays planned."""

import pytest

from billing.models import Invoice, Plan, Subscription
from billing.services.changing import seats_of, seats_set, subscription_end, subscription_go_on
from billing.services.planning import plan_choices, plan_preview, plan_set
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance
from tests.billing.mirror import again

pytestmark = pytest.mark.django_db
TEAM = {"team-month-usd-1": 60, "batch-changes-month-usd-1": 60, "static-address-month-usd-1": 1}


def has(subscription: Subscription) -> dict[str, int]:
    return {str(item.price_id).removesuffix("-month-usd-1"): item.quantity for item in subscription.items.all()}


@pytest.fixture
def instance(trial) -> Instance:
    """Of a size that both plans include."""
    Instance.objects.update(size="s")
    return Instance.objects.get()


@pytest.fixture
def subscription(shop, account, instance) -> Subscription:
    shop.subscribe(account, TEAM, instance.pk)
    return again()


@pytest.fixture
def change(instance, by_alice):
    def change(name: str, key: str = "one") -> Subscription:
        plan, current = Plan.objects.get(pk=name), Instance.objects.get(pk=instance.pk)
        plan_set(instance=current, subscription=again(), plan=plan, key=key, actor=by_alice)
        return again()

    return change


class TestADearerPlan:
    def test_is_said_before_and_there_at_once(self, shop, account, instance, subscription, change):
        shop.later(account, days=15)
        told = plan_preview(instance, again(), Plan.objects.get(pk="business"))
        assert (told.is_at_once, told.price, told.included) == (True, "39.00 USD", ("Batch changes",))
        found = change("business")
        assert has(found) == {"business": 60, "static-address": 1}
        assert told.due_now == Invoice.objects.latest("created_at").total
        assert 0 < told.due_now < 60 * 20_00
        assert AuditEvent.objects.get(action="subscription.plan").details == {"from": "team", "to": "business"}

    def test_costs_what_was_said_also_when_it_is_agreed_to_later(self, shop, account, instance, subscription, by_alice):
        shop.later(account, days=15)
        business = Plan.objects.get(pk="business")
        told = plan_preview(instance, again(), business).preview
        assert told
        shop.later(account, hours=6)
        asked = {"instance": instance, "subscription": again(), "plan": business, "key": "one", "actor": by_alice}
        plan_set(**asked, reckoned_at=told.reckoned_at)
        again()
        assert Invoice.objects.latest("created_at").total == told.due_now

    def test_that_cannot_be_paid_changes_nothing(self, shop, account, subscription, change):
        shop.pay_with(account, "pm_card_chargeCustomerFail")
        shop.later(account, days=15)
        assert has(change("business")) == has(subscription)

    def test_wants_the_seats_that_it_begins_with(self, subscription, change):
        Plan.objects.filter(pk="business").update(minimum_seats=61)
        with pytest.raises(Invalid, match="begins with 61 seats; there are 60"):
            change("business")

    def test_that_does_not_include_the_size_is_refused(self, subscription, change):
        Instance.objects.update(size="xs")
        with pytest.raises(Invalid, match="does not include size"):
            change("enterprise")


class TestACheaperPlan:
    @pytest.fixture
    def business(self, subscription, change) -> Subscription:
        found: Subscription = change("business")
        return found

    def test_comes_with_the_next_period(self, shop, account, instance, business, change):
        found = change("team", "two")
        assert (has(found)["business"], found.next_plan_id) == (60, "team")
        assert {item.next_quantity for item in found.items.all()} == {60, 1}
        assert "Batch changes" in plan_preview(instance, found, Plan.objects.get(pk="team")).lost
        shop.later(account, days=31)
        found = again()
        assert (has(found), found.next_plan) == ({"team": 60, "static-address": 1}, None)

    def test_stays_planned_when_an_end_is_taken_back(self, shop, account, business, change, by_alice):
        subscription_end(subscription=change("team", "two"), actor=by_alice)
        assert again().next_plan is None
        subscription_go_on(subscription=again(), actor=by_alice)
        found = again()
        assert (found.next_plan_id, {item.next_quantity for item in found.items.all()}) == ("team", {60, 1})
        shop.later(account, days=31)
        assert has(again()) == {"team": 60, "static-address": 1}

    def test_may_be_taken_back_until_then(self, shop, account, business, change):
        change("team", "two")
        found = change("business", "three")
        assert found.next_plan is None
        shop.later(account, days=31)
        assert has(again())["business"] == 60

    @pytest.mark.parametrize("seats", [50, 70])
    def test_stays_planned_when_seats_change(self, shop, account, business, change, by_alice, seats):
        seats_set(subscription=change("team", "two"), seats=seats, key="four", actor=by_alice)
        found = again()
        assert found.next_plan_id == "team"
        shop.later(account, days=31)
        assert (has(again())["team"], seats_of(again())) == (seats, seats)


def test_the_same_plan_is_refused(subscription, change):
    with pytest.raises(Invalid, match="It is Team already"):
        change("team")


def test_while_a_payment_is_missing_nothing_is_changed(subscription, change):
    subscription.status = "past_due"
    with pytest.raises(Conflict, match="payment is missing"):
        plan_preview(subscription.instance, subscription, Plan.objects.get(pk="business"))


def test_plans_that_include_the_size_are_offered(instance, subscription):
    assert [plan.pk for plan in plan_choices(instance, subscription)] == ["business"]
