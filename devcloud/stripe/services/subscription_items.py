"""The items of subscriptions, one at a time."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.changing import change
from devcloud.stripe.errors import missing
from devcloud.stripe.fields import deleted, refuse_unimplemented
from devcloud.stripe.lists import page

_HOW = ("payment_behavior", "proration_behavior", "proration_date", "off_session")
_WHAT = ("price", "quantity")


@implements("subscription_items.create", "POST /v1/subscription_items", "SubscriptionItemCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, (*_HOW, *_WHAT, "subscription"))
    subscription = call.books.need("subscription", call["subscription"], "subscription")
    before = {item["id"] for item in subscription["items"]["data"]}
    _change(call, subscription, _what(call))
    waiting = (subscription["pending_update"] or {}).get("subscription_items", [])
    found = [*subscription["items"]["data"], *waiting]
    return next(item for item in found if item["id"] not in before)


@implements("subscription_items.retrieve", "GET /v1/subscription_items/{item}", "SubscriptionItemRetrieveParams")
def _retrieve(call: Call) -> Json:
    return _found(call)[1]


@implements("subscription_items.update", "POST /v1/subscription_items/{item}", "SubscriptionItemUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, (*_HOW, *_WHAT))
    subscription, item = _found(call)
    _change(call, subscription, {"id": item["id"], **_what(call)})
    return _found(call)[1]


@implements("subscription_items.delete", "DELETE /v1/subscription_items/{item}", "SubscriptionItemDeleteParams")
def _delete(call: Call) -> Json:
    subscription, item = _found(call)
    _change(call, subscription, {"id": item["id"], "deleted": True})
    return deleted(item)


@implements("subscription_items.list", "GET /v1/subscription_items", "SubscriptionItemListParams")
def _list(call: Call) -> Json:
    subscription = call.books.need("subscription", call["subscription"], "subscription")
    return page(call, subscription["items"]["data"])


def _found(call: Call) -> tuple[Json, Json]:
    """The subscription and its item. Raises StripeError 404."""
    place = call.books.find("item_of", call.path["item"])
    subscription = call.books.find("subscription", place["subscription"]) if place else None
    for item in (subscription or {"items": {"data": []}})["items"]["data"]:
        if item["id"] == call.path["item"]:
            assert subscription is not None  # noqa: S101 - there is an item of it
            return subscription, item
    raise missing("subscription_item", call.path["item"], "item")


def _change(call: Call, subscription: Json, entry: Json) -> None:
    how = {name: call.params[name] for name in _HOW if name in call}
    change(call.books, subscription, {**how, "items": [entry]})


def _what(call: Call) -> Json:
    return {name: call.params[name] for name in (*_WHAT, "metadata") if name in call}
