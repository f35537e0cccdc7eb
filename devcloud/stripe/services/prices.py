"""Prices: per unit, of an amount that never changes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import StripeError, invalid, missing_parameter
from devcloud.stripe.fields import merged, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed

_CHANGEABLE = ("active", "nickname", "tax_behavior")
_CREATED = (*_CHANGEABLE, "billing_scheme", "currency", "lookup_key", "product", "product_data", "recurring",
            "transfer_lookup_key", "unit_amount", "unit_amount_decimal")  # fmt: skip
_MOST = 99_999_999
_LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


@implements("prices.create", "POST /v1/prices", "PriceCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _CREATED)
    if call.get("billing_scheme", "per_unit") != "per_unit":
        raise invalid("devcloud knows prices per unit only.", "billing_scheme")
    price = from_data(call.books, {**call.params, "product": _product(call)})
    price["metadata"] = merged({}, call.get("metadata") or {})
    set_fields(price, call, _CHANGEABLE)
    _take_lookup_key(call, price)
    return price


@implements("prices.retrieve", "GET /v1/prices/{price}", "PriceRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("price", call.path["price"])


@implements("prices.update", "POST /v1/prices/{price}", "PriceUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, (*_CHANGEABLE, "lookup_key", "transfer_lookup_key"))
    price = call.books.need("price", call.path["price"])
    set_fields(price, call, _CHANGEABLE)
    _take_lookup_key(call, price)
    return price


@implements("prices.list", "GET /v1/prices", "PriceListParams")
def _list(call: Call) -> Json:
    return listed(
        call,
        "price",
        lookup_keys=lambda price, wanted: price["lookup_key"] in wanted,
        recurring=lambda price, wanted: (
            price["recurring"] is not None
            and all(price["recurring"].get(name) == value for name, value in wanted.items())
        ),
    )


def from_data(books: Books, data: Mapping[str, Any]) -> Json:
    """A new price of an existing product. Raises StripeError for an amount or a rhythm that cannot be."""
    if books.find("product", data.get("product") or "") is None:
        raise invalid(f"No such product: '{data.get('product')}'", "product", "resource_missing")
    amount = _amount(data)
    recurring = data.get("recurring")
    price = {
        "id": books.new_id("price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": books.at,
        "currency": data["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": data["product"],
        "recurring": _recurring(recurring) if recurring else None,
        "tax_behavior": data.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    books.add(price)
    books.tell_created("price.created", price)
    return price


def _amount(data: Mapping[str, Any]) -> int:
    given = [name for name in ("unit_amount", "unit_amount_decimal") if name in data]
    if not given:
        raise missing_parameter("unit_amount")
    if len(given) > 1:
        raise invalid("Only one of `unit_amount` and `unit_amount_decimal` can be set.", "unit_amount")
    amount = Decimal(data[given[0]])
    if amount != amount.to_integral_value():
        raise invalid("devcloud knows whole minor units only.", "unit_amount_decimal")
    if not 0 <= amount <= _MOST:
        raise invalid("Invalid non-negative integer.", given[0], "parameter_invalid_integer")
    return int(amount)


def _recurring(wanted: Mapping[str, Any]) -> Json:
    interval, count = wanted["interval"], wanted.get("interval_count", 1)
    if wanted.get("usage_type", "licensed") != "licensed":
        raise invalid("devcloud knows licensed prices only.", "recurring[usage_type]")
    if not 1 <= count <= _LONGEST[interval]:
        raise invalid("interval_count must be greater than 0 and at most three years.", "recurring[interval_count]")
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _product(call: Call) -> str:
    if ("product" in call) == ("product_data" in call):
        raise invalid("You must pass either product or product_data.", "product", "parameter_missing")
    if "product" in call:
        return str(call["product"])
    product = {
        "id": call.get("product_data").get("id") or call.books.new_id("product"),
        "object": "product",
        "active": True,
        "created": call.books.at,
        "default_price": None,
        "description": None,
        "livemode": False,
        "metadata": {},
        "name": call["product_data"]["name"],
        "type": "service",
        "updated": call.books.at,
    }
    call.books.add(product)
    call.books.tell_created("product.created", product)
    return str(product["id"])


def _take_lookup_key(call: Call, price: Json) -> None:
    """The key leads to this price only. Raises StripeError where another has it and shall not lose it."""
    if "lookup_key" not in call:
        return
    wanted = call["lookup_key"]
    for other in call.books.all("price") if wanted else []:
        if other["lookup_key"] == wanted and other["id"] != price["id"]:
            if not call.get("transfer_lookup_key"):
                raise _taken(wanted, other)
            call.books.need("price", other["id"])["lookup_key"] = None
    price["lookup_key"] = wanted or None


def _taken(key: str, other: Json) -> StripeError:
    message = (
        f"A price (`{other['id']}`) already uses that lookup key. If you want to transfer the key `{key}` to another "
        "price, use `transfer_lookup_key=true`."
    )
    return invalid(message, "lookup_key", "resource_already_exists")
