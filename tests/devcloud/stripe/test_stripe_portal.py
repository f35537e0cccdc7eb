"""The billing portal, as a customer clicks through it."""

import re
from typing import Any

import pytest
import stripe

from devcloud.stripe.money import TIMES

FEATURES: dict[str, Any] = {
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
}
CARD = {"act": "add", "number": "5555555555554444", "expiry": "01/33", "cvc": "123"}


@pytest.fixture
def subscribed(shop):
    customer = shop.customer(name="Acme")
    return customer, shop.subscribe(customer, shop.price())


def visit(shop, customer, **features):
    configuration = shop.api.billing_portal.configurations.create({"features": {**FEATURES, **features}})
    return shop.api.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": configuration.id, "return_url": "http://127.0.0.1:8000/billing"}
    )


def test_a_portal_needs_a_configuration(shop, subscribed):
    customer, _subscription = subscribed
    with pytest.raises(stripe.InvalidRequestError, match="features"):
        shop.api.billing_portal.configurations.create({})
    session = visit(shop, customer)
    assert session.url.startswith(f"{shop.devcloud.http_url}/stripe/portal/")


def test_it_shows_cards_invoices_and_subscriptions(shop, browser, subscribed):
    customer, subscription = subscribed
    page = browser.get(visit(shop, customer).url).text
    invoice = shop.api.invoices.retrieve(subscription.latest_invoice)
    for wanted in (
        "Acme",
        "4242",
        f"1 {TIMES} Seats",
        invoice.number,
        invoice.hosted_invoice_url,
        "127.0.0.1:8000/billing",
    ):
        assert wanted in page


def test_a_new_card_is_the_default_and_the_old_one_can_go(shop, browser, subscribed):
    customer, _subscription = subscribed
    url = visit(shop, customer).url
    browser.post(url, data=CARD)
    old, new = shop.api.payment_methods.list({"customer": customer.id}).data[::-1]
    assert new.card.brand == "mastercard"
    assert shop.api.customers.retrieve(customer.id).invoice_settings.default_payment_method == new.id
    browser.post(url, data={"act": f"default:{old.id}"})
    browser.post(url, data={"act": f"remove:{new.id}"})
    assert [each.id for each in shop.api.payment_methods.list({"customer": customer.id}).data] == [old.id]
    assert shop.events("payment_method.detached", new)


def test_a_declined_card_is_said_so(shop, browser, subscribed):
    url = visit(shop, subscribed[0]).url
    assert "Your card was declined." in browser.post(url, data={**CARD, "number": "4000000000000002"}).text


def test_a_bank_that_asks_leads_back_to_the_portal(shop, browser, subscribed):
    customer, _subscription = subscribed
    url = visit(shop, customer).url
    question = browser.post(url, data={**CARD, "number": "4000002500003155"}).headers["Location"]
    back = browser.post(question, data={"act": "complete"}).headers["Location"]
    assert url.endswith(back)
    default = shop.api.customers.retrieve(customer.id, {"expand": ["invoice_settings.default_payment_method"]})
    assert default.invoice_settings.default_payment_method.card.last4 == "3155"


def test_cancelling_and_keeping(shop, browser, subscribed):
    customer, subscription = subscribed
    url = visit(shop, customer).url
    act = re.search(r"cancel:sub_\w+", browser.get(url).text)
    assert act
    browser.post(url, data={"act": act[0]})
    assert shop.subscription(subscription).cancel_at_period_end is True
    assert "Don&#x27;t cancel" in browser.get(url).text
    browser.post(url, data={"act": f"resume:{subscription.id}"})
    assert shop.subscription(subscription).cancel_at_period_end is False


def test_what_is_not_allowed_is_neither_shown_nor_done(shop, browser, subscribed):
    customer, subscription = subscribed
    features = {name: {**feature, "enabled": False} for name, feature in FEATURES.items()}
    url = visit(shop, customer, **features).url
    page = browser.get(url).text
    assert "Cancel" not in page
    assert "Add card" not in page
    assert "can&#x27;t be cancelled here" in browser.post(url, data={"act": f"cancel:{subscription.id}"}).text
    assert "can&#x27;t be changed here" in browser.post(url, data=CARD).text


def test_somebody_elses_subscription_is_not_there(shop, browser, subscribed):
    stranger = shop.customer()
    url = visit(shop, stranger).url
    assert "can&#x27;t be cancelled here" in browser.post(url, data={"act": f"cancel:{subscribed[1].id}"}).text


def test_an_address_that_was_guessed_leads_nowhere(browser):
    assert browser.get("/stripe/portal/guess").status_code == 404
    assert browser.get("/stripe/invoice/guess").status_code == 404
    assert browser.get("/stripe/checkout/guess").status_code == 404
    assert browser.get("/stripe/authenticate/guess").status_code == 404


def test_the_console_leads_to_all_there_is(browser, subscribed):
    assert "/stripe/" in browser.get("/").text
    assert subscribed[1].id in browser.get("/stripe/").text
