"""Schedules: a subscription goes through phases by itself."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.changing import change, period_end
from devcloud.stripe.engine.items import price_of
from devcloud.stripe.engine.periods import boundary
from devcloud.stripe.engine.settling import end
from devcloud.stripe.errors import invalid

_PRORATIONS = "create_prorations"


def phase_now(books: Books, subscription: Json) -> Json:
    """The phase that an unscheduled subscription is in: its current period."""
    items = [{"price": item["price"], "quantity": item["quantity"]} for item in subscription["items"]["data"]]
    start = min(item["current_period_start"] for item in subscription["items"]["data"])
    if subscription["status"] == "trialing":
        start = subscription["trial_start"]
    return _phase(books, {"items": items, "metadata": dict(subscription["metadata"])}, start, period_end(subscription))


def phases(books: Books, wanted: list[Mapping[str, Any]], first_start: int, now: int) -> list[Json]:
    """The phases one after the other. Raises StripeError where they are in no order."""
    found: list[Json] = []
    for number, entry in enumerate(wanted):
        follows = found[-1]["end_date"] if found else first_start
        start = _moment(entry.get("start_date", follows), now)
        if start != follows:
            where = f"phases[{number}][start_date]"
            raise invalid("The start date of a phase must be the end of the one before it.", where)
        found.append(_phase(books, entry, start, _end(books, entry, start, now, number)))
    return found


def enter(books: Books, schedule: Json) -> None:
    """The phase whose time has come, or what follows the last one."""
    at = books.now(schedule)
    subscription = books.need("subscription", schedule["subscription"])
    for phase in schedule["phases"]:
        if phase["start_date"] <= at < phase["end_date"]:
            schedule["current_phase"] = {name: phase[name] for name in ("start_date", "end_date")}
            follow(books, subscription, phase)
            return
    if schedule["end_behavior"] == "cancel":
        schedule.update(status="completed", completed_at=at, current_phase=None)
        subscription["schedule"] = None
        books.tell_created("subscription_schedule.completed", schedule)
        end(books, subscription, at)
    else:
        release(books, schedule)


def release(books: Books, schedule: Json) -> None:
    """The subscription goes on by itself, as it is."""
    subscription = books.need("subscription", schedule["subscription"])
    subscription["schedule"] = None
    schedule.update(
        status="released",
        released_at=books.now(schedule),
        released_subscription=subscription["id"],
        subscription=None,
        current_phase=None,
    )
    books.tell_created("subscription_schedule.released", schedule)


def follow(books: Books, subscription: Json, phase: Json) -> None:
    """The subscription sells what the phase says."""
    entries = _differences(subscription["items"]["data"], phase["items"])
    if entries:
        change(books, subscription, {"items": entries, "proration_behavior": phase["proration_behavior"]})
    if phase["metadata"]:
        subscription["metadata"] = {**subscription["metadata"], **phase["metadata"]}


def _differences(items: list[Json], wanted: list[Json]) -> list[Json]:
    """What leads from the items to those that are wanted; a price that goes hands its item to one that comes."""
    prices = {entry["price"]: entry["quantity"] for entry in wanted}
    kept = {item["price"]: item for item in items if item["price"] in prices}
    leaving = [item for item in items if item["price"] not in prices]
    coming = [entry for entry in wanted if entry["price"] not in kept]
    entries = [
        {"id": item["id"], "quantity": prices[price]}
        for price, item in kept.items()
        if item["quantity"] != prices[price]
    ]
    for number, entry in enumerate(coming):
        known = {"id": leaving[number]["id"]} if number < len(leaving) else {}
        entries.append({**known, "price": entry["price"], "quantity": entry["quantity"]})
    return [*entries, *({"id": item["id"], "deleted": True} for item in leaving[len(coming) :])]


def _phase(books: Books, entry: Mapping[str, Any], start: int, ends: int) -> Json:
    items = [_item(books, wanted, number) for number, wanted in enumerate(entry["items"])]
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": price_of(books, items[0])["currency"],
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "end_date": ends,
        "invoice_settings": None,
        "items": items,
        "metadata": dict(entry.get("metadata") or {}),
        "on_behalf_of": None,
        "proration_behavior": entry.get("proration_behavior", _PRORATIONS),
        "start_date": start,
        "transfer_data": None,
        "trial_end": None,
    }


def _item(books: Books, wanted: Mapping[str, Any], number: int) -> Json:
    price = books.find("price", wanted.get("price", ""))
    if price is None or price["recurring"] is None:
        raise invalid(f"No such price: '{wanted.get('price')}'", f"phases[items][{number}][price]", "resource_missing")
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": dict(wanted.get("metadata") or {}),
        "plan": price["id"],
        "price": price["id"],
        "quantity": wanted.get("quantity", 1),
        "tax_rates": [],
    }


def _end(books: Books, entry: Mapping[str, Any], start: int, now: int, number: int) -> int:
    """As it is said, or one interval of what is sold."""
    if "end_date" in entry and "duration" in entry:
        raise invalid("Only one of end_date and duration can be set.", f"phases[{number}][end_date]")
    if "end_date" in entry:
        ends = _moment(entry["end_date"], now)
    elif "duration" in entry:
        ends = boundary(start, {"interval_count": 1, **entry["duration"]}, 1)
    else:
        ends = boundary(start, books.need("price", entry["items"][0].get("price", ""))["recurring"], 1)
    if ends <= start:
        raise invalid("The end date of a phase must be after its start date.", f"phases[{number}][end_date]")
    return ends


def _moment(value: int | str, now: int) -> int:
    return now if value == "now" else int(value)
