"""How subscriptions begin, change and end."""

import pytest
import stripe

from tests.devcloud.stripe.shop import DAY, NEW_YEAR, Shop, at
from tests.stack.devcloud import running_devcloud
from tests.waiting import eventually


def test_it_begins_paid_and_active(shop):
    subscription = shop.subscribe(
        shop.customer(), shop.price(), {"price": shop.price(250, "Storage").id, "quantity": 4}
    )
    [invoice] = shop.invoices(subscription)
    assert (subscription.status, invoice.status, invoice.billing_reason) == ("active", "paid", "subscription_create")
    assert (invoice.total, [line.amount for line in invoice.lines.data]) == (2000, [1000, 1000])
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert subscription.latest_invoice == invoice.id


def test_periods_are_on_the_items(shop):
    subscription = shop.subscribe(shop.customer(clock=shop.clock()), shop.price())
    item = subscription["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (NEW_YEAR, at("2026-02-15"))
    assert "current_period_end" not in subscription
    assert item.price.unit_amount == 1000


def test_without_a_card_there_is_nothing_to_charge(shop):
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscribe(shop.customer(None), shop.price())


@pytest.mark.parametrize(
    ("behavior", "status"), [("allow_incomplete", "incomplete"), ("default_incomplete", "incomplete")]
)
def test_a_first_payment_that_fails_leaves_it_incomplete(shop, behavior, status):
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = shop.subscribe(customer, shop.price(), payment_behavior=behavior)
    assert (subscription.status, shop.invoices(subscription)[0].status) == (status, "open")


def test_a_first_payment_that_must_not_fail_leaves_nothing(shop):
    customer = shop.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as caught:
        shop.subscribe(customer, shop.price(), payment_behavior="error_if_incomplete")
    assert caught.value.code == "card_declined"
    assert not shop.api.subscriptions.list({"customer": customer.id, "status": "all"}).data


def test_an_incomplete_one_is_active_once_its_invoice_is_paid(shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(), payment_behavior="default_incomplete")
    full = shop.subscription(subscription, "latest_invoice.confirmation_secret")
    assert full.latest_invoice.confirmation_secret.client_secret.startswith("pi_")
    shop.api.invoices.pay(subscription.latest_invoice)
    assert shop.subscription(subscription).status == "active"


def test_an_incomplete_one_expires_after_a_day(shop):
    clock = shop.clock()
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price(), payment_behavior="default_incomplete")
    shop.advance(clock, NEW_YEAR + DAY)
    assert shop.subscription(subscription).status == "incomplete_expired"
    assert shop.invoices(subscription)[0].status == "void"


def test_a_bank_that_asks_is_answered_on_its_page(shop, browser):
    customer = shop.customer("pm_card_authenticationRequired")
    subscription = shop.subscribe(customer, shop.price())
    assert subscription.status == "incomplete"
    invoice = shop.api.invoices.retrieve(
        subscription.latest_invoice, {"expand": ["payments.data.payment.payment_intent"]}
    )
    intent = invoice.payments.data[0].payment.payment_intent
    assert intent.status == "requires_action"
    answer = browser.post(intent.next_action.redirect_to_url.url, data={"act": "complete"})
    assert answer.headers["Location"] == invoice.hosted_invoice_url
    assert shop.subscription(subscription).status == "active"


def test_a_trial_ends_in_a_paid_period(shop):
    clock = shop.clock()
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price(), trial_end=NEW_YEAR + 14 * DAY)
    assert (subscription.status, shop.invoices(subscription)[0].total) == ("trialing", 0)
    shop.advance(clock, NEW_YEAR + 12 * DAY)
    assert shop.events("customer.subscription.trial_will_end", subscription)
    shop.advance(clock, NEW_YEAR + 14 * DAY)
    renewed = shop.subscription(subscription, "latest_invoice")
    assert (renewed.status, renewed.latest_invoice.status) == ("active", "draft")
    shop.advance(clock, NEW_YEAR + 14 * DAY + 3601)
    assert shop.subscription(subscription, "latest_invoice").latest_invoice.status == "paid"
    assert renewed["items"].data[0].current_period_end == at("2026-02-28")


@pytest.mark.parametrize(("end", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "active")])
def test_a_trial_without_a_card_ends_as_it_was_agreed(shop, end, status):
    clock = shop.clock()
    settings = {"end_behavior": {"missing_payment_method": end}}
    customer = shop.customer(None, clock)
    subscription = shop.subscribe(customer, shop.price(), trial_period_days=3, trial_settings=settings)
    shop.advance(clock, NEW_YEAR + 3 * DAY)
    assert shop.subscription(subscription).status == status


def test_a_paused_one_goes_on_once_it_can_be_paid(shop):
    clock = shop.clock()
    settings = {"end_behavior": {"missing_payment_method": "pause"}}
    customer = shop.customer(None, clock)
    subscription = shop.subscribe(customer, shop.price(), trial_period_days=3, trial_settings=settings)
    shop.advance(clock, NEW_YEAR + 5 * DAY)
    shop.pay_with(customer, "pm_card_visa")
    resumed = shop.api.subscriptions.resume(subscription.id, {"billing_cycle_anchor": {"type": "now"}})
    assert resumed.status == "active"
    assert resumed["items"].data[0].current_period_start == NEW_YEAR + 5 * DAY
    assert shop.events("customer.subscription.resumed", subscription)


def test_it_can_end_with_its_period_and_be_kept_after_all(shop):
    clock = shop.clock()
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price())
    ending = shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (ending.cancel_at, ending.cancellation_details.reason) == (at("2026-02-15"), "cancellation_requested")
    kept = shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    shop.advance(clock, at("2026-02-16"))
    assert (shop.subscription(subscription).status, len(shop.invoices(subscription))) == ("active", 2)
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    shop.advance(clock, at("2026-03-16"))
    ended = shop.subscription(subscription)
    assert (ended.status, ended.ended_at, len(shop.invoices(subscription))) == ("canceled", at("2026-03-15"), 2)


def test_one_that_is_over_stays_so(shop):
    subscription = shop.subscribe(shop.customer(), shop.price())
    shop.api.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.subscriptions.cancel(subscription.id)


def test_lists_leave_out_what_is_over(shop):
    customer = shop.customer()
    over, running = (shop.subscribe(customer, shop.price()) for _ in range(2))
    shop.api.subscriptions.cancel(over.id)
    for status, expected in ((None, [running]), ("all", [running, over]), ("canceled", [over])):
        params = {"customer": customer.id, **({"status": status} if status else {})}
        assert [each.id for each in shop.api.subscriptions.list(params).data] == [each.id for each in expected]


def test_a_paused_collection_leaves_drafts(shop):
    clock = shop.clock()
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price())
    shop.api.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "keep_as_draft"}})
    shop.advance(clock, at("2026-02-20"))
    assert (shop.subscription(subscription).status, shop.invoices(subscription)[-1].status) == ("active", "draft")
    shop.api.subscriptions.update(subscription.id, {"pause_collection": ""})
    shop.advance(clock, at("2026-03-20"))
    assert shop.invoices(subscription)[-1].status == "paid"


def test_items_can_be_changed_one_at_a_time(shop):
    subscription = shop.subscribe(shop.customer(), shop.price())
    added = shop.api.subscription_items.create({"subscription": subscription.id, "price": shop.price(300, "Backup").id})
    shop.api.subscription_items.update(added.id, {"quantity": 3, "proration_behavior": "none"})
    listed = shop.api.subscription_items.list({"subscription": subscription.id})
    assert [item.quantity for item in listed.data] == [1, 3]
    assert shop.api.subscription_items.delete(added.id).deleted is True
    assert len(shop.subscription(subscription)["items"].data) == 1


def test_the_last_item_stays(shop):
    subscription = shop.subscribe(shop.customer(), shop.price())
    with pytest.raises(stripe.InvalidRequestError, match="at least one"):
        shop.api.subscription_items.delete(subscription["items"].data[0].id)


def test_items_of_two_rhythms_or_currencies_do_not_go_together(shop):
    monthly = shop.price()
    for other in (shop.price(interval="year"), shop.price(currency="eur"), monthly):
        with pytest.raises(stripe.InvalidRequestError):
            shop.subscribe(shop.customer(), monthly, other)


def test_one_on_devclouds_own_time_renews_when_that_has_passed(tmp_path):
    """In a devcloud of its own: its time is everybody's."""
    with running_devcloud(tmp_path) as devcloud:
        shop = Shop(devcloud)
        subscription = shop.subscribe(shop.customer(), shop.price())
        devcloud.skip(32 * DAY)
        assert eventually(lambda: len(shop.invoices(subscription)) == 2)
        assert eventually(lambda: shop.invoices(subscription)[-1].status == "paid")
        shop.close()
