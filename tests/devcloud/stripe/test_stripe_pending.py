"""Changes that wait until they are paid."""

import pytest
import stripe

from tests.devcloud.stripe.shop import DAY, NEW_YEAR

WAITING = {"payment_behavior": "pending_if_incomplete", "proration_behavior": "always_invoice"}


@pytest.fixture
def running(shop):
    clock = shop.clock()
    customer = shop.customer(clock=clock)
    subscription = shop.subscribe(customer, shop.price())
    shop.advance(clock, NEW_YEAR + 10 * DAY)
    return clock, customer, subscription


def grow(shop, subscription):
    items = [{"id": subscription["items"].data[0].id, "quantity": 5}]
    return shop.api.subscriptions.update(subscription.id, {"items": items, **WAITING})


def test_a_change_that_is_paid_is_made_at_once(shop, running):
    _clock, _customer, subscription = running
    changed = grow(shop, subscription)
    assert (changed["items"].data[0].quantity, changed.pending_update) == (5, None)
    assert shop.invoices(subscription)[-1].status == "paid"


def test_a_change_that_is_not_paid_waits_and_is_made_when_it_is(shop, running):
    _clock, customer, subscription = running
    shop.pay_with(customer, "pm_card_chargeCustomerFail")
    waiting = grow(shop, subscription)
    assert (waiting.status, waiting["items"].data[0].quantity) == ("active", 1)
    assert waiting.pending_update.subscription_items[0].quantity == 5
    assert waiting.pending_update.expires_at == NEW_YEAR + 10 * DAY + 23 * 3600
    shop.pay_with(customer, "pm_card_visa")
    shop.api.invoices.pay(waiting.latest_invoice)
    changed = shop.subscription(subscription)
    assert (changed["items"].data[0].quantity, changed.pending_update) == (5, None)
    assert shop.events("customer.subscription.pending_update_applied", subscription)


def test_a_change_that_nobody_pays_for_is_dropped_after_a_day(shop, running):
    clock, customer, subscription = running
    shop.pay_with(customer, "pm_card_chargeCustomerFail")
    waiting = grow(shop, subscription)
    shop.advance(clock, NEW_YEAR + 11 * DAY)
    dropped = shop.subscription(subscription)
    assert (dropped.status, dropped["items"].data[0].quantity, dropped.pending_update) == ("active", 1, None)
    assert shop.api.invoices.retrieve(waiting.latest_invoice).status == "void"
    assert shop.events("customer.subscription.pending_update_expired", subscription)


def test_only_what_can_wait_may_be_changed_so(shop, running):
    _clock, _customer, subscription = running
    with pytest.raises(stripe.InvalidRequestError, match="`metadata` cannot be passed"):
        shop.api.subscriptions.update(subscription.id, {"metadata": {"a": "1"}, **WAITING})


def test_a_change_that_must_be_paid_or_not_made_is_not_made(shop, running):
    _clock, customer, subscription = running
    shop.pay_with(customer, "pm_card_chargeCustomerFail")
    items = [{"id": subscription["items"].data[0].id, "quantity": 5}]
    params = {"items": items, "proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError):
        shop.api.subscriptions.update(subscription.id, params)
    assert shop.subscription(subscription)["items"].data[0].quantity == 1
    assert len(shop.invoices(subscription)) == 1


def test_what_is_paid_by_invoice_cannot_wait_for_a_payment(shop):
    invoiced = {"collection_method": "send_invoice", "days_until_due": 30}
    subscription = shop.subscribe(shop.customer(), shop.price(), **invoiced)
    with pytest.raises(stripe.InvalidRequestError, match="needs `collection_method=charge_automatically`"):
        grow(shop, subscription)
