"""Checkout, as a person clicks through it."""

import pytest
import stripe

from tests.devcloud.stripe.shop import DAY, now

CARD = {"act": "pay", "number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}
URLS = {
    "success_url": "http://127.0.0.1:8000/done?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://127.0.0.1:8000/plans",
}


@pytest.fixture
def buying(shop):
    """A session for three seats of an existing customer."""
    customer = shop.customer(None)
    return open_session(shop, customer=customer.id)


def open_session(shop, **params):
    line = {"price": params.pop("price", None) or shop.price().id, "quantity": 3}
    return shop.api.checkout.sessions.create({"mode": "subscription", "line_items": [line], **URLS, **params})


def again(shop, session, *expand):
    return shop.api.checkout.sessions.retrieve(session.id, {"expand": list(expand)})


def pay(browser, session, **form):
    return browser.post(session.url, data={**CARD, **form})


def test_paying_makes_a_subscription_and_leads_back(shop, browser, buying):
    page = browser.get(buying.url)
    assert "$30.00" in page.text
    assert "4242424242424242" in page.text  # the test cards are listed
    answer = pay(browser, buying)
    assert answer.headers["Location"] == f"http://127.0.0.1:8000/done?session={buying.id}"
    done = again(shop, buying, "subscription", "line_items")
    assert (done.status, done.payment_status, done.amount_total) == ("complete", "paid", 3000)
    assert (done.subscription.status, done.line_items.data[0].quantity) == ("active", 3)
    assert done.subscription.default_payment_method.startswith("pm_")
    assert [each.id for each in shop.api.checkout.sessions.list({"subscription": done.subscription.id}).data] == [
        buying.id
    ]
    assert shop.events("checkout.session.completed", buying)
    assert browser.get(buying.url).status_code == 410


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"number": "4000000000000002"}, "Your card was declined."),
        ({"number": "4000000000009995"}, "insufficient funds"),
        ({"number": "4000000000000341"}, "Your card was declined."),
        ({"number": "1234"}, "card number is incorrect"),
        ({"expiry": "12/20"}, "in the past"),
        ({"expiry": "soon"}, "expiration date is incomplete"),
        ({"cvc": ""}, "security code is incomplete"),
    ],
)
def test_a_card_that_does_not_do_is_said_so_and_nothing_is_bought(shop, browser, buying, form, sentence):
    assert sentence in pay(browser, buying, **form).text
    assert again(shop, buying).status == "open"
    assert not shop.api.subscriptions.list({"customer": buying.customer, "status": "all"}).data
    assert pay(browser, buying).status_code == 303


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184"])
def test_a_bank_that_asks_is_answered_or_not(shop, browser, buying, number):
    question = pay(browser, buying, number=number).headers["Location"]
    assert "Your bank asks" in browser.get(question).text
    back = browser.post(question, data={"act": "fail"}).headers["Location"]
    assert "unable to authenticate" in browser.get(back).text
    question = pay(browser, buying, number=number).headers["Location"]
    assert browser.post(question, data={"act": "complete"}).headers["Location"].startswith("http://127.0.0.1:8000/done")
    assert again(shop, buying, "subscription").subscription.status == "active"


def test_back_leads_back(browser, buying):
    assert browser.post(buying.url, data={"act": "back"}).headers["Location"] == "http://127.0.0.1:8000/plans"


def test_somebody_new_becomes_a_customer(shop, browser):
    session = open_session(shop, tax_id_collection={"enabled": True})
    assert "email is incomplete" in pay(browser, session).text
    person = {"email": "eve@new.example", "name": "New Ltd", "country": "DE", "tax_id": "DE123456789"}
    pay(browser, session, tax_id_type="eu_vat", **person)
    done = again(shop, session, "customer.tax_ids")
    assert (done.customer.email, done.customer.name, done.customer.address.country) == (
        "eve@new.example",
        "New Ltd",
        "DE",
    )
    assert done.customer.tax_ids.data[0].value == "DE123456789"
    assert done.customer_details.tax_ids[0].type == "eu_vat"


def test_a_quantity_can_be_adjusted_within_its_bounds(shop, browser):
    line = {
        "price": shop.price().id,
        "quantity": 2,
        "adjustable_quantity": {"enabled": True, "minimum": 2, "maximum": 9},
    }
    session = shop.api.checkout.sessions.create(
        {"mode": "subscription", "line_items": [line], "customer": shop.customer(None).id, **URLS}
    )
    item = shop.api.checkout.sessions.line_items.list(session.id).data[0]
    assert "from 2 to 9" in browser.post(session.url, data={"act": "update", f"quantity-{item.id}": "12"}).text
    browser.post(session.url, data={"act": "update", f"quantity-{item.id}": "4"})
    assert again(shop, session).amount_total == 4000
    pay(browser, session)
    assert again(shop, session, "subscription").subscription["items"].data[0].quantity == 4


def test_a_promotion_code_is_typed_in(shop, browser):
    coupon = shop.api.coupons.create({"percent_off": 20.0, "duration": "once", "name": "Spring"})
    shop.api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"})
    session = open_session(shop, customer=shop.customer(None).id, allow_promotion_codes=True)
    assert "This code is invalid." in browser.post(session.url, data={"act": "update", "promotion_code": "AUTUMN"}).text
    browser.post(session.url, data={"act": "update", "promotion_code": "spring"})
    assert "SPRING" in browser.get(session.url).text
    pay(browser, session)
    done = again(shop, session, "invoice")
    assert (done.amount_total, done.total_details.amount_discount, done.invoice.total) == (2400, 600, 2400)


def test_a_trial_costs_nothing_today(shop, browser):
    data = {"trial_end": now() + 30 * DAY, "metadata": {"organization": "7"}}
    session = open_session(shop, customer=shop.customer(None).id, subscription_data=data)
    page = browser.get(session.url).text
    assert "$0.00" in page
    assert "then $30.00" in page
    pay(browser, session)
    done = again(shop, session, "subscription")
    assert (done.payment_status, done.subscription.status) == ("no_payment_required", "trialing")
    assert done.subscription.metadata.to_dict() == {"organization": "7"}


def test_a_trial_can_begin_without_a_card(shop, browser):
    data = {"trial_period_days": 14, "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    session = open_session(
        shop, customer=shop.customer(None).id, subscription_data=data, payment_method_collection="if_required"
    )
    browser.post(session.url, data={"act": "pay"})
    assert again(shop, session, "subscription").subscription.default_payment_method is None


def test_a_session_expires_when_somebody_says_so(shop, browser, buying):
    expired = shop.api.checkout.sessions.expire(buying.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert browser.get(buying.url).status_code == 410
    assert shop.events("checkout.session.expired", buying)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.checkout.sessions.expire(buying.id)


def test_a_card_can_be_kept_without_buying(shop, browser):
    session = shop.api.checkout.sessions.create({"mode": "setup", "customer": shop.customer(None).id, **URLS})
    pay(browser, session)
    done = again(shop, session, "setup_intent")
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"customer_email": "a@b.example"}, "customer"),
        ({"tax_id_collection": {"enabled": True}}, "customer_update[name]"),
        ({"automatic_tax": {"enabled": True}}, "customer_update[address]"),
        ({"subscription_data": {"trial_end": now() + DAY}}, "subscription_data[trial_end]"),
        ({"expires_at": now() + 60}, "expires_at"),
        ({"allow_promotion_codes": True, "discounts": [{"coupon": "x"}]}, "allow_promotion_codes"),
        ({"ui_mode": "elements"}, "ui_mode"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(shop, params, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        open_session(shop, customer=shop.customer(None).id, **params)
    assert caught.value.param == param
