"""Payments that fail, and what becomes of who does not pay."""

import httpx
import pytest
import stripe

from tests.devcloud.stripe.shop import at


@pytest.fixture
def failing(shop):
    """A subscription whose card fails from its first renewal on."""
    clock = shop.clock()
    customer = shop.customer(clock=clock)
    subscription = shop.subscribe(customer, shop.price())
    shop.pay_with(customer, "pm_card_chargeCustomerFail")
    return clock, customer, subscription


@pytest.fixture
def account(shop):
    """Changes settings of the Stripe account, which go back afterwards."""
    before = shop.control("GET", "settings")
    yield lambda **wanted: shop.control("PUT", "settings", wanted)
    shop.control("PUT", "settings", before)


def test_a_failed_renewal_is_retried_three_times_and_then_unpaid(shop, failing):
    clock, customer, subscription = failing
    shop.advance(clock, at("2026-02-16"))
    invoice = shop.invoices(subscription)[-1]
    assert (shop.subscription(subscription).status, invoice.status, invoice.attempt_count) == ("past_due", "open", 1)
    assert invoice.next_payment_attempt == at("2026-02-22") + 3600
    assert shop.api.customers.retrieve(customer.id).delinquent is True
    shop.advance(clock, at("2026-03-07"))
    assert shop.subscription(subscription).status == "past_due"
    shop.advance(clock, at("2026-03-09"))
    invoice = shop.api.invoices.retrieve(invoice.id)
    assert (shop.subscription(subscription).status, invoice.attempt_count) == ("unpaid", 4)
    assert invoice.next_payment_attempt is None
    assert len(shop.events("invoice.payment_failed", invoice)) == 4


def test_who_is_unpaid_gets_drafts_and_is_active_again_once_the_latest_is_paid(shop, failing):
    clock, customer, subscription = failing
    for day in ("2026-03-09", "2026-03-20"):
        shop.advance(clock, at(day))
    latest = shop.invoices(subscription)[-1]
    assert (latest.status, latest.auto_advance) == ("draft", False)
    shop.pay_with(customer, "pm_card_visa")
    shop.api.invoices.pay(latest.id)
    assert shop.subscription(subscription).status == "active"
    assert shop.api.customers.retrieve(customer.id).delinquent is False


def test_a_card_that_works_pays_at_the_next_try(shop, failing):
    clock, customer, subscription = failing
    shop.advance(clock, at("2026-02-16"))
    shop.pay_with(customer, "pm_card_visa")
    shop.advance(clock, at("2026-02-23"))
    invoice = shop.invoices(subscription)[-1]
    assert (invoice.status, invoice.attempt_count, shop.subscription(subscription).status) == ("paid", 2, "active")


@pytest.mark.parametrize(("follows", "status"), [("cancel", "canceled"), ("past_due", "past_due")])
def test_what_follows_is_a_setting_of_the_account(shop, account, failing, follows, status):
    account(exhausted=follows, retry_days=[1, 3])
    clock, _customer, subscription = failing
    shop.advance(clock, at("2026-02-20"))
    found = shop.subscription(subscription)
    assert found.status == status
    if follows == "cancel":
        assert found.cancellation_details.reason == "payment_failed"


def test_a_payment_by_hand_that_fails_is_an_error_and_counts(shop, failing):
    clock, _customer, subscription = failing
    shop.advance(clock, at("2026-02-16"))
    invoice = shop.invoices(subscription)[-1]
    with pytest.raises(stripe.CardError) as caught:
        shop.api.invoices.pay(invoice.id)
    assert caught.value.error
    assert caught.value.error.decline_code == "generic_decline"
    assert shop.api.invoices.retrieve(invoice.id).attempt_count == 2


def test_the_next_charges_of_a_customer_can_be_made_to_fail(shop):
    customer = shop.customer()
    shop.control("POST", "declines", {"customer": customer.id, "count": 2, "code": "insufficient_funds"})
    with pytest.raises(stripe.CardError, match="insufficient funds"):
        shop.subscribe(customer, shop.price(), payment_behavior="error_if_incomplete")
    assert shop.subscribe(customer, shop.price()).status == "incomplete"
    assert shop.subscribe(customer, shop.price()).status == "active"


def test_a_setting_that_makes_no_sense_is_refused(shop, devcloud):
    for form in ({"exhausted": "shout"}, {"tea": 1}, {"retry_days": 3}):
        answer = httpx.put(f"{devcloud.http_url}/_control/stripe/settings", json=form, trust_env=False)
        assert answer.status_code == 400
