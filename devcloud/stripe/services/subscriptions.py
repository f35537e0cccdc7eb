"""Subscriptions."""

from typing import Any

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine import changing
from devcloud.stripe.engine.starting import start
from devcloud.stripe.errors import StripeError, invalid, missing_parameter
from devcloud.stripe.fields import merged, refuse_unimplemented
from devcloud.stripe.lists import Filter, listed
from devcloud.stripe.services.customers import customer_of
from devcloud.stripe.services.prices import from_data

_SHARED = (
    "automatic_tax", "cancel_at", "cancel_at_period_end", "collection_method", "days_until_due",
    "default_payment_method", "description", "discounts", "items", "off_session", "payment_behavior",
    "payment_settings", "proration_behavior", "trial_end", "trial_settings", "billing_cycle_anchor",
)  # fmt: skip
_CREATED = (*_SHARED, "customer", "currency", "trial_period_days")
_UPDATED = (*_SHARED, "cancellation_details", "pause_collection", "proration_date")
_OVER = {"canceled", "incomplete_expired"}
_ITEM = {"id", "price", "price_data", "quantity", "deleted", "metadata", "clear_usage"}


@implements("subscriptions.create", "POST /v1/subscriptions", "SubscriptionCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _CREATED)
    if "customer" not in call:
        raise missing_parameter("customer")
    customer = customer_of(call, call["customer"])
    check_method(call, customer, call.get("default_payment_method"))
    wanted = {**call.params, "items": items_wanted(call), "metadata": merged({}, call.get("metadata") or {})}
    subscription = start(call.books, customer, wanted)
    if call.get("cancel_at_period_end"):
        changing.change(call.books, subscription, {"cancel_at_period_end": True})
    return subscription


@implements("subscriptions.retrieve", "GET /v1/subscriptions/{subscription}", "SubscriptionRetrieveParams")
def _retrieve(call: Call) -> Json:
    return subscription_of(call)


@implements("subscriptions.update", "POST /v1/subscriptions/{subscription}", "SubscriptionUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, _UPDATED)
    subscription = subscription_of(call)
    customer = customer_of(call, subscription["customer"])
    check_method(call, customer, call.get("default_payment_method"))
    wanted: dict[str, Any] = dict(call.params)
    if "items" in call:
        wanted["items"] = items_wanted(call)
    if "metadata" in call:
        subscription["metadata"] = merged(subscription["metadata"], call["metadata"])
    changing.change(call.books, subscription, wanted)
    return subscription


@implements("subscriptions.cancel", "DELETE /v1/subscriptions/{subscription}", "SubscriptionCancelParams")
def _cancel(call: Call) -> Json:
    subscription = subscription_of(call)
    if subscription["status"] in _OVER:
        raise StripeError(404, f"No such subscription: '{subscription['id']}'", param="id", code="resource_missing")
    details = call.get("cancellation_details") or {}
    subscription["cancellation_details"] = {**subscription["cancellation_details"], **details}
    prorate, invoice_now = call.get("prorate", False), call.get("invoice_now", False)
    changing.cancel(call.books, subscription, prorate=prorate, invoice_now=invoice_now)
    return subscription


@implements("subscriptions.resume", "POST /v1/subscriptions/{subscription}/resume", "SubscriptionResumeParams")
def _resume(call: Call) -> Json:
    refuse_unimplemented(call, ("billing_cycle_anchor", "proration_behavior"))
    subscription = subscription_of(call)
    changing.resume(call.books, subscription, call.params)
    return subscription


@implements("subscriptions.list", "GET /v1/subscriptions", "SubscriptionListParams")
def _list(call: Call) -> Json:
    """Those that are over are shown only to who asks for them."""
    wanted = call.get("status")
    filters: dict[str, Filter] = {
        "status": lambda found, status: (
            status == "all" or found["status"] in (_OVER if status == "ended" else {status})
        ),
        "price": lambda found, price: any(item["price"] == price for item in found["items"]["data"]),
        "plan": lambda found, price: any(item["price"] == price for item in found["items"]["data"]),
        "current_period_end": _by_item("current_period_end"),
        "current_period_start": _by_item("current_period_start"),
    }
    if wanted is None:
        call = Call(call.books, call.method, call.url, call.path, {**call.params, "status": "unended"})
        filters["status"] = lambda found, _status: found["status"] not in _OVER
    return listed(call, "subscription", **filters)


def subscription_of(call: Call) -> Json:
    """The subscription of the call's address. Raises StripeError 404."""
    return call.books.need("subscription", call.path["subscription"])


def items_wanted(call: Call) -> list[Json]:
    """The items of the call, with prices made of what was given instead of one."""
    return [_with_price(call, entry, f"items[{number}]") for number, entry in enumerate(call.get("items", []))]


def check_method(call: Call, customer: Json, key: str | None) -> None:
    """Raises StripeError for a payment method that is not this customer's."""
    if not key:
        return
    method = call.books.find("payment_method", key)
    if method is None or method["customer"] != customer["id"]:
        message = (
            f"The customer does not have a payment method with the ID {key}. The payment method must be attached to "
            "the customer."
        )
        raise invalid(message, "default_payment_method", "resource_missing")


def _with_price(call: Call, entry: Json, where: str) -> Json:
    if unknown := sorted(entry.keys() - _ITEM):
        raise invalid(f"devcloud does not implement {where}[{unknown[0]}].", f"{where}[{unknown[0]}]")
    if "price_data" not in entry:
        return entry
    price = from_data(call.books, entry["price_data"])
    return {**{name: value for name, value in entry.items() if name != "price_data"}, "price": price["id"]}


def _by_item(name: str) -> Filter:
    def fits(found: Json, wanted: Any) -> bool:
        moment = found["items"]["data"][0][name]
        if not isinstance(wanted, dict):
            return bool(moment == wanted)
        low, high = (
            wanted.get("gte", wanted.get("gt", moment - 1) + 1),
            wanted.get("lte", wanted.get("lt", moment + 1) - 1),
        )
        return bool(low <= moment <= high)

    return fits
