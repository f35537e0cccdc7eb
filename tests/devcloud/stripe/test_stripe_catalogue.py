"""Products, prices, coupons and promotion codes."""

import pytest
import stripe

from tests.devcloud.stripe.shop import at


def test_a_lookup_key_leads_to_one_price(shop):
    first = shop.price()
    shop.api.prices.update(first.id, {"lookup_key": "seats-monthly"})
    params = {"product": first.product, "unit_amount": 1200, "currency": "usd", "lookup_key": "seats-monthly"}
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.api.prices.create(params)
    second = shop.api.prices.create({**params, "transfer_lookup_key": True})
    assert [price.id for price in shop.api.prices.list({"lookup_keys": ["seats-monthly"]}).data] == [second.id]
    assert shop.api.prices.retrieve(first.id).lookup_key is None


def test_the_amount_of_a_price_never_changes(shop):
    price = shop.price()
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        shop.api.prices.update(price.id, {"unit_amount": 1})
    assert shop.api.prices.update(price.id, {"active": False}).active is False


def test_an_inactive_price_is_not_sold(shop):
    customer, price = shop.customer(), shop.price()
    shop.api.prices.update(price.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.subscribe(customer, price)


def test_a_product_can_have_an_id_of_ours_once(shop):
    shop.api.products.create({"id": "plan-team", "name": "Team"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.products.create({"id": "plan-team", "name": "Team"})
    assert caught.value.code == "resource_already_exists"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"percent_off": 10.0, "amount_off": 5, "currency": "usd"},
        {"amount_off": 5},
        {"percent_off": 101.0},
        {"percent_off": 10.0, "duration": "repeating"},
    ],
)
def test_a_coupon_takes_off_one_thing(shop, params):
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.coupons.create(params)


def test_a_coupon_counts_once_for_some_months_or_for_ever(shop):
    for duration, expected in (("once", [500, 1000, 1000]), ("forever", [500] * 3)):
        clock = shop.clock()
        customer = shop.customer(clock=clock)
        coupon = shop.api.coupons.create({"percent_off": 50.0, "duration": duration})
        subscription = shop.subscribe(customer, shop.price(), discounts=[{"coupon": coupon.id}])
        _months(shop, clock, 2)
        assert [invoice.total for invoice in shop.invoices(subscription)] == expected


def test_a_coupon_for_three_months_counts_three_times(shop):
    clock = shop.clock()
    coupon = shop.api.coupons.create(
        {"amount_off": 300, "currency": "usd", "duration": "repeating", "duration_in_months": 3}
    )
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price(), discounts=[{"coupon": coupon.id}])
    _months(shop, clock, 4)
    assert [invoice.total for invoice in shop.invoices(subscription)] == [700, 700, 700, 1000, 1000]
    assert shop.api.coupons.retrieve(coupon.id).times_redeemed == 1


def test_a_promotion_code_is_spent_after_so_many(shop):
    coupon = shop.api.coupons.create({"percent_off": 12.5, "duration": "once"})
    promotion = {"type": "coupon", "coupon": coupon.id}
    code = shop.api.promotion_codes.create({"promotion": promotion, "code": "WELCOME", "max_redemptions": 1})
    discounts = [{"promotion_code": code.id}]
    subscription = shop.subscribe(shop.customer(), shop.price(), discounts=discounts)
    assert shop.invoices(subscription)[0].total == 875
    with pytest.raises(stripe.InvalidRequestError, match="not redeemable"):
        shop.subscribe(shop.customer(), shop.price(), discounts=discounts)
    assert [each.id for each in shop.api.promotion_codes.list({"code": "welcome"}).data] == [code.id]


def _months(shop, clock, number):
    for month in range(2, 2 + number):
        shop.advance(clock, at(f"2026-{month:02d}-16"))
