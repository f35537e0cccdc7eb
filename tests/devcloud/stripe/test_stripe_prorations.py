"""What a change in the middle of a period is worth, to the cent."""

from fractions import Fraction

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from devcloud.cloud import Addresses, Cloud
from devcloud.faults import Faults
from devcloud.profile import PROFILES
from devcloud.store import Store
from devcloud.stripe.books import Books
from devcloud.stripe.engine.lines import prorations
from tests.devcloud.stripe.shop import DAY, NEW_YEAR, at

HALF = NEW_YEAR + 31 * DAY // 2  # of a month of 31 days


@pytest.fixture
def halfway(shop):
    """A subscription of two seats at $10.01, in the middle of its month."""
    clock = shop.clock()
    price = shop.price(1001)
    subscription = shop.subscribe(shop.customer(clock=clock), {"price": price.id, "quantity": 2})
    shop.advance(clock, HALF)
    return clock, price, subscription


def item_of(subscription):
    return subscription["items"].data[0].id


def test_more_seats_cost_their_share_on_the_next_invoice(shop, halfway):
    clock, _price, subscription = halfway
    shop.api.subscriptions.update(subscription.id, {"items": [{"id": item_of(subscription), "quantity": 3}]})
    pending = shop.api.invoice_items.list({"customer": subscription.customer, "pending": True})
    # Half of 20.02 is 10.01; half of 30.03 is 15.015, which rounds up.
    assert sorted(item.amount for item in pending.data) == [-1001, 1502]
    shop.advance(clock, at("2026-02-16"))
    assert [line.amount for line in shop.invoices(subscription)[-1].lines.data] == [-1001, 1502, 3003]


def test_more_seats_can_be_billed_at_once(shop, halfway):
    _clock, _price, subscription = halfway
    items = [{"id": item_of(subscription), "quantity": 3}]
    shop.api.subscriptions.update(subscription.id, {"items": items, "proration_behavior": "always_invoice"})
    invoice = shop.invoices(subscription)[-1]
    assert (invoice.billing_reason, invoice.total, invoice.status) == ("subscription_update", 501, "paid")
    assert all(line.parent.subscription_item_details.proration for line in invoice.lines.data)


def test_fewer_seats_billed_at_once_are_credit(shop, halfway):
    _clock, _price, subscription = halfway
    items = [{"id": item_of(subscription), "quantity": 1}]
    shop.api.subscriptions.update(subscription.id, {"items": items, "proration_behavior": "always_invoice"})
    invoice = shop.invoices(subscription)[-1]
    assert (invoice.total, invoice.amount_due, invoice.status) == (-500, 0, "paid")
    assert shop.api.customers.retrieve(subscription.customer).balance == -500


def test_a_change_without_prorations_costs_nothing_now(shop, halfway):
    _clock, _price, subscription = halfway
    items = [{"id": item_of(subscription), "quantity": 9}]
    shop.api.subscriptions.update(subscription.id, {"items": items, "proration_behavior": "none"})
    assert not shop.api.invoice_items.list({"customer": subscription.customer, "pending": True}).data


def test_a_preview_says_what_the_change_then_costs(shop, halfway):
    _clock, _price, subscription = halfway
    items = [{"id": item_of(subscription), "quantity": 5}]
    details = {"items": items, "proration_behavior": "always_invoice", "proration_date": HALF - DAY}
    preview = shop.api.invoices.create_preview({"subscription": subscription.id, "subscription_details": details})
    assert shop.subscription(subscription)["items"].data[0].quantity == 2
    shop.api.subscriptions.update(subscription.id, details)
    assert shop.invoices(subscription)[-1].total == preview.total > 0


def test_a_preview_without_a_change_is_the_next_invoice(shop, halfway):
    _clock, _price, subscription = halfway
    preview = shop.api.invoices.create_preview({"subscription": subscription.id})
    assert (preview.total, preview.status, preview.period_start) == (2002, "draft", at("2026-02-15"))
    assert len(shop.invoices(subscription)) == 1


def test_a_preview_of_a_new_subscription_makes_none(shop):
    customer, price = shop.customer(), shop.price()
    details = {"items": [{"price": price.id, "quantity": 3}]}
    preview = shop.api.invoices.create_preview({"customer": customer.id, "subscription_details": details})
    assert preview.amount_due == 3000
    assert not shop.api.subscriptions.list({"customer": customer.id, "status": "all"}).data


def test_another_interval_begins_a_new_period_and_is_billed_at_once(shop, halfway):
    _clock, price, subscription = halfway
    yearly = shop.api.prices.create(
        {"product": price.product, "unit_amount": 10000, "currency": "usd", "recurring": {"interval": "year"}}
    )
    items = [{"id": item_of(subscription), "price": yearly.id, "quantity": 2}]
    changed = shop.api.subscriptions.update(subscription.id, {"items": items})
    invoice = shop.invoices(subscription)[-1]
    assert [line.amount for line in invoice.lines.data] == [-1001, 20000]
    assert (invoice.amount_paid, changed.billing_cycle_anchor) == (18999, HALF)
    assert changed["items"].data[0].current_period_start == HALF


def test_a_moment_outside_of_the_period_is_refused(shop, halfway):
    _clock, _price, subscription = halfway
    items = [{"id": item_of(subscription), "quantity": 3}]
    with pytest.raises(stripe.InvalidRequestError, match="proration_date"):
        shop.api.subscriptions.update(subscription.id, {"items": items, "proration_date": NEW_YEAR - DAY})


def test_yen_have_no_cents(shop):
    clock = shop.clock()
    price = shop.price(999, currency="jpy")
    subscription = shop.subscribe(shop.customer(clock=clock), price)
    shop.advance(clock, HALF)
    items = [{"id": item_of(subscription), "quantity": 2}]
    shop.api.subscriptions.update(subscription.id, {"items": items, "proration_behavior": "always_invoice"})
    # Half of 999 is 499.5: half away from zero, both ways.
    assert [line.amount for line in shop.invoices(subscription)[-1].lines.data] == [-500, 999]


@given(
    amount=st.integers(0, 10_000_000),
    before=st.integers(0, 1000),
    after=st.integers(0, 1000),
    gone=st.integers(0, 31 * DAY - 1),
    currency=st.sampled_from(["usd", "jpy"]),
)
def test_credit_and_debit_are_each_within_half_a_unit_and_the_same_change_back_cancels_out(
    amount, before, after, gone, currency
):
    books = _books(amount, currency)
    there = _change(books, before, after, gone)
    back = _change(books, after, before, gone)
    assert sum(there) + sum(back) == 0
    left = Fraction(31 * DAY - gone, 31 * DAY)
    assert abs(sum(there) - (after - before) * amount * left) <= 1
    assert all(isinstance(each, int) for each in there)


def _books(amount, currency):
    cloud = Cloud(Store(None), PROFILES["fast"], Faults(), Addresses("127.0.0.1", 1, 2, 3), "")
    books = Books(cloud, NEW_YEAR)
    books.add({"object": "product", "id": "prod_1", "name": "Seats"})
    price = {"object": "price", "id": "price_1", "product": "prod_1", "currency": currency, "unit_amount": amount}
    books.add({**price, "unit_amount_decimal": str(amount)})
    return books


def _change(books, before, after, gone):
    customer = {"object": "customer", "id": "cus_1", "test_clock": None}
    period = {"current_period_start": NEW_YEAR, "current_period_end": NEW_YEAR + 31 * DAY}
    items = [
        {"id": "si_1", "price": "price_1", "subscription": "sub_1", "quantity": q, **period} for q in (before, after)
    ]
    found = prorations(books, customer, [items[0]], [items[1]], NEW_YEAR + gone)
    return [item["amount"] for item in found]
