"""The items of a subscription: what is sold, how often, and from when to when."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.periods import same_rhythm
from devcloud.stripe.errors import invalid

_MOST = 20


def price_of(books: Books, item: Mapping[str, Any]) -> Json:
    return books.need("price", item["price"])


def amount_of(books: Books, item: Mapping[str, Any]) -> int:
    """What a whole period of the item costs."""
    return int(price_of(books, item)["unit_amount"]) * int(item["quantity"])


def rhythm(books: Books, items: list[Json]) -> Json:
    """How often the items recur: the same for all of them."""
    recurring: Json = price_of(books, items[0])["recurring"]
    return recurring


def new_item(books: Books, subscription: str, wanted: Mapping[str, Any], at: int, where: str) -> Json:
    """A new item; its period is still to be set. Raises StripeError where the price cannot be subscribed to."""
    price = sellable(books, wanted.get("price"), f"{where}[price]")
    item = {
        "id": books.new_id("subscription_item"),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": at,
        "current_period_end": at,
        "current_period_start": at,
        "discounts": [],
        "metadata": dict(wanted.get("metadata") or {}),
        "price": price["id"],
        "quantity": wanted.get("quantity", 1),
        "subscription": subscription,
        "tax_rates": [],
    }
    _check_quantity(item, where)
    books.add({"object": "item_of", "id": item["id"], "subscription": subscription})
    return item


def changed(books: Books, items: list[Json], wanted: list[Json], at: int, subscription: str) -> list[Json]:
    """The items as they shall be: entries with an id change or remove one, others add one; the rest stays."""
    after = {item["id"]: {**item} for item in items}
    for number, entry in enumerate(wanted):
        where = f"items[{number}]"
        if "id" not in entry:
            item = new_item(books, subscription, entry, at, where)
            after[item["id"]] = {**item, **_period(items)}
        elif entry["id"] not in after:
            raise invalid(f"No such subscription item: '{entry['id']}'", f"{where}[id]", "resource_missing")
        elif entry.get("deleted"):
            del after[entry["id"]]
        else:
            _change(books, after[entry["id"]], entry, where)
    check_items(books, list(after.values()))
    return list(after.values())


def check_items(books: Books, items: list[Json]) -> None:
    """Raises StripeError for items that no subscription can have together."""
    if not items:
        raise invalid("A subscription must have at least one active plan. To remove the last one, cancel it.", "items")
    if len(items) > _MOST:
        raise invalid(f"A subscription can have at most {_MOST} items.", "items")
    prices = [price_of(books, item) for item in items]
    if len({price["id"] for price in prices}) < len(prices):
        raise invalid("Cannot add multiple subscription items with the same price.", "items")
    if len({price["currency"] for price in prices}) > 1:
        raise invalid("All prices on a subscription must have the same currency.", "items")
    if not all(same_rhythm(prices[0]["recurring"], price["recurring"]) for price in prices):
        raise invalid(
            "Currently, all prices on a subscription must have the same `recurring.interval` and "
            "`recurring.interval_count`. If you meant to update an existing item, pass its id.",
            "items",
        )


def sellable(books: Books, key: str | None, param: str) -> Json:
    """The recurring, active price. Raises StripeError otherwise."""
    if key is None:
        raise invalid(f"Missing required param: {param}.", param, "parameter_missing")
    price = books.find("price", key)
    if price is None:
        raise invalid(f"No such price: '{key}'", param, "resource_missing")
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param)
    if price["recurring"] is None:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param,
        )
    return price


def _change(books: Books, item: Json, entry: Json, where: str) -> None:
    if "price" in entry and entry["price"] != item["price"]:
        item["price"] = sellable(books, entry["price"], f"{where}[price]")["id"]
    item["quantity"] = entry.get("quantity", item["quantity"])
    if "metadata" in entry:
        item["metadata"] = {**item["metadata"], **(entry["metadata"] or {})}
    _check_quantity(item, where)


def _period(items: list[Json]) -> Json:
    return {name: items[0][name] for name in ("current_period_start", "current_period_end")}


def _check_quantity(item: Json, where: str) -> None:
    if not 0 <= item["quantity"] <= 999_999:
        raise invalid("Quantity must be between 0 and 999999.", f"{where}[quantity]")
