"""Lists, pages, filters, metadata, and what is expanded."""

import pytest
import stripe


@pytest.fixture
def five(shop):
    clock = shop.clock()
    return [shop.customer(None, clock, name=f"Customer {number}") for number in range(5)]


def names(page):
    return [customer.name[-1] for customer in page.data]


def test_pages_run_from_the_newest_to_the_oldest(shop, five):
    clock = five[0].test_clock
    first = shop.api.customers.list({"test_clock": clock, "limit": 2})
    assert (names(first), first.has_more) == (["4", "3"], True)
    second = shop.api.customers.list({"test_clock": clock, "limit": 2, "starting_after": first.data[-1].id})
    assert (names(second), second.has_more) == (["2", "1"], True)
    before = shop.api.customers.list({"test_clock": clock, "limit": 2, "ending_before": five[0].id})
    assert (names(before), before.has_more) == (["2", "1"], True)
    everyone = shop.api.customers.list({"test_clock": clock, "limit": 2}).auto_paging_iter()
    assert [customer.name[-1] for customer in everyone] == list("43210")


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_nobody"}])
def test_a_page_that_cannot_be_is_refused(shop, params):
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.list(params)


def test_lists_are_filtered_by_when_things_were_made(shop):
    product = shop.api.products.create({"name": "Dated"})
    assert product.id in [
        p.id for p in shop.api.products.list({"created": {"gte": product.created}, "limit": 100}).data
    ]
    assert product.id not in [
        p.id for p in shop.api.products.list({"created": {"lt": product.created}, "limit": 100}).data
    ]


def test_filters_of_a_method_are_known(shop):
    price = shop.price(interval="year")
    found = shop.api.prices.list({"product": price.product, "recurring": {"interval": "year"}})
    assert [each.id for each in found.data] == [price.id]
    assert not shop.api.prices.list({"product": price.product, "recurring": {"interval": "month"}}).data
    assert not shop.api.prices.list({"product": price.product, "active": False}).data


def test_metadata_merges_and_an_empty_value_takes_away(shop):
    product = shop.api.products.create({"name": "Seats", "metadata": {"a": "1", "b": "2"}})
    changed = shop.api.products.update(product.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    assert shop.api.products.update(product.id, {"metadata": ""}).metadata.to_dict() == {}


def test_references_are_expanded_as_deep_as_is_wanted(shop):
    customer, price = shop.customer(), shop.price()
    subscription = shop.subscribe(customer, price)
    assert isinstance(subscription.latest_invoice, str)
    full = shop.subscription(subscription, "latest_invoice.payments", "customer", "items.data.price.product")
    assert full.customer.email == "ann@acme.example"
    assert full.latest_invoice.payments.data[0].status == "paid"
    assert full["items"].data[0].price.product.name == "Seats"


def test_lists_expand_within_their_data(shop):
    price = shop.price()
    found = shop.api.prices.list({"product": price.product, "expand": ["data.product"]})
    assert found.data[0].product.name == "Seats"


def test_what_is_left_out_comes_when_it_is_expanded(shop):
    customer = shop.api.customers.create({"tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]})
    assert "tax_ids" not in customer
    again = shop.api.customers.retrieve(customer.id, {"expand": ["tax_ids", "subscriptions"]})
    assert again.tax_ids.data[0].value == "DE123456789"
    assert again.subscriptions.data == []


@pytest.mark.parametrize("path", ["colour", "email.colour", "a.b.c.d.e"])
def test_what_cannot_be_expanded_is_refused(shop, path):
    customer = shop.customer(None)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.customers.retrieve(customer.id, {"expand": [path]})
    assert caught.value.param == "expand"


def test_a_deleted_customer_is_a_tombstone(shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price())
    shop.api.customers.delete(customer.id)
    assert shop.api.customers.retrieve(customer.id).deleted is True
    assert shop.subscription(subscription).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        shop.subscribe(customer, shop.price())


@pytest.mark.parametrize("kind", ["subscriptions", "invoices", "payment_intents"])
def test_a_customer_that_never_was_has_no_list(shop, kind):
    with pytest.raises(stripe.InvalidRequestError, match="No such customer") as caught:
        getattr(shop.api, kind).list({"customer": "cus_nobody"})
    assert caught.value.code == "resource_missing"
