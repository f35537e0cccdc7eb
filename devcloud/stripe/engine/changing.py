"""A subscription changes: what is sold, how many, how it is paid, and when it ends."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import billing, collecting, discounts, invoicing, pending
from devcloud.stripe.engine.items import changed, rhythm
from devcloud.stripe.engine.lines import pending_items, period_line, prorations
from devcloud.stripe.engine.periods import next_boundary, same_rhythm
from devcloud.stripe.engine.settling import end
from devcloud.stripe.engine.starting import NO_DETAILS, trial_end
from devcloud.stripe.errors import invalid

Wanted = Mapping[str, Any]

_OVER = {"canceled", "incomplete_expired"}
_AFTER_THE_END = {"metadata", "cancellation_details", "expand"}
_PLAIN = ("default_payment_method", "description", "collection_method", "days_until_due")
_MERGED = ("automatic_tax", "payment_settings", "trial_settings", "cancellation_details")
# https://docs.stripe.com/billing/subscriptions/pending-updates-reference
_MAY_WAIT = {
    "items", "proration_behavior", "proration_date", "payment_behavior", "expand", "trial_end", "trial_from_plan",
    "billing_cycle_anchor", "off_session", "discounts",
}  # fmt: skip


def change(books: Books, subscription: Json, wanted: Wanted) -> None:
    """The subscription is as the parameters of subscriptions.update want it, or waits to be. Raises StripeError."""
    _check(subscription, wanted)
    _set_plain(books, subscription, wanted)
    _set_end(books, subscription, wanted)
    if "pause_collection" in wanted:
        subscription["pause_collection"] = wanted["pause_collection"] or None
    if {"items", "billing_cycle_anchor", "trial_end"} & wanted.keys():
        _sell_otherwise(books, subscription, wanted)


def cancel(books: Books, subscription: Json, *, prorate: bool = False, invoice_now: bool = False) -> None:
    """It is over now. With `prorate` what is left of the period goes back to the customer's next invoice, or to one
    that is made at once.
    """
    at = books.now(subscription)
    items = subscription["items"]["data"]
    customer = books.need("customer", subscription["customer"])
    if prorate and subscription["status"] != "trialing":
        prorations(books, customer, items, [], at)
    if invoice_now and pending_items(books, customer, subscription):
        billing.bill_now(books, subscription, "subscription_update", [], "allow_incomplete")
    if not subscription["cancel_at_period_end"]:
        subscription["canceled_at"] = at
    end(books, subscription, at, subscription["cancellation_details"]["reason"] or "cancellation_requested")


def resume(books: Books, subscription: Json, wanted: Wanted) -> None:
    """A paused subscription runs again from now on, once its invoice is paid. Raises StripeError for any other."""
    if subscription["status"] != "paused":
        raise invalid("You can only resume a subscription that is paused.", "subscription")
    if (wanted.get("billing_cycle_anchor") or {}).get("type", "now") == "now":
        start_over(books, subscription)
    lines = [period_line(books, item) for item in subscription["items"]["data"]]
    billing.bill_now(books, subscription, "subscription_update", lines, "allow_incomplete")


def start_over(books: Books, subscription: Json) -> None:
    """A new period starts now, and all others follow from it."""
    subscription["items"]["data"] = _from_now(books, subscription, subscription["items"]["data"])
    subscription["billing_cycle_anchor"] = books.now(subscription)


def _check(subscription: Json, wanted: Wanted) -> None:
    if subscription["status"] in _OVER and wanted.keys() - _AFTER_THE_END:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise invalid(message, "subscription")
    if subscription["schedule"] and {"cancel_at", "cancel_at_period_end"} & wanted.keys():
        raise invalid(
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating any "
            "cancelation behavior directly is not allowed. Please update the schedule instead.",
            "cancel_at_period_end",
        )
    waits = wanted.get("payment_behavior") == "pending_if_incomplete"
    if waits and (unfit := sorted(wanted.keys() - _MAY_WAIT)):
        message = f"When `payment_behavior` is set to `pending_if_incomplete`, `{unfit[0]}` cannot be passed."
        raise invalid(message, unfit[0])
    if waits and subscription["collection_method"] != "charge_automatically":
        message = "`payment_behavior=pending_if_incomplete` needs `collection_method=charge_automatically`."
        raise invalid(message, "payment_behavior")
    if subscription["pending_update"] and "items" in wanted and subscription["status"] == "incomplete":
        raise invalid("A subscription with a pending update cannot be changed.", "items")


def _set_plain(books: Books, subscription: Json, wanted: Wanted) -> None:
    for name in _PLAIN:
        if name in wanted:
            subscription[name] = wanted[name] or None
    for name in _MERGED:
        if name in wanted:
            subscription[name] = {**subscription[name], **wanted[name]}
    if "discounts" in wanted:
        customer, kept = books.need("customer", subscription["customer"]), subscription["discounts"]
        place = {"subscription": subscription["id"]}
        subscription["discounts"] = discounts.redeemed(books, customer, wanted["discounts"], kept, **place)
    if subscription["collection_method"] == "send_invoice" and subscription["days_until_due"] is None:
        message = "If collection_method is set to `send_invoice`, `days_until_due` must be provided."
        raise invalid(message, "days_until_due")


def _set_end(books: Books, subscription: Json, wanted: Wanted) -> None:
    """It ends with its period, at a moment, or not at all."""
    if "cancel_at_period_end" in wanted:
        _end_with_period(books, subscription, ends=wanted["cancel_at_period_end"])
    if "cancel_at" in wanted:
        at = wanted["cancel_at"]
        if at in {"min_period_end", "max_period_end"}:
            at = period_end(subscription)
        if at and at <= books.now(subscription):
            raise invalid("`cancel_at` must be in the future.", "cancel_at")
        subscription["cancel_at"], subscription["cancel_at_period_end"] = at or None, False
        subscription["canceled_at"] = books.now(subscription) if at else None


def _end_with_period(books: Books, subscription: Json, *, ends: bool) -> None:
    if ends == subscription["cancel_at_period_end"]:
        return
    subscription["cancel_at_period_end"] = ends
    subscription["cancel_at"] = period_end(subscription) if ends else None
    subscription["canceled_at"] = books.now(subscription) if ends else None
    reason = {"reason": "cancellation_requested"} if ends else NO_DETAILS
    subscription["cancellation_details"] = {**subscription["cancellation_details"], **reason}


def period_end(subscription: Json) -> int:
    """When the current period ends: the first of its items' ends."""
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def _sell_otherwise(books: Books, subscription: Json, wanted: Wanted) -> None:
    """Other items, another anchor or another end of the trial, and the money that this is worth."""
    at, before = books.now(subscription), subscription["items"]["data"]
    after = changed(books, before, wanted.get("items", []), at, subscription["id"])
    in_trial = subscription["status"] == "trialing"
    stops = in_trial and wanted.get("trial_end") == "now"
    if isinstance(wanted.get("trial_end"), int):
        _try_longer(books, subscription, wanted, after)
        return
    if in_trial and not stops:
        subscription["items"]["data"] = after
        return
    anew = stops or (wanted.get("billing_cycle_anchor") or {}).get("type") == "now"
    anew = anew or not same_rhythm(rhythm(books, before), rhythm(books, after))
    _reckon(books, subscription, wanted, after, anew=anew, stops=stops)
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = period_end(subscription)


def _reckon(books: Books, subscription: Json, wanted: Wanted, after: list[Json], *, anew: bool, stops: bool) -> None:
    """What the change is worth is pending, or on an invoice of its own."""
    at, before = books.now(subscription), subscription["items"]["data"]
    customer = books.need("customer", subscription["customer"])
    moment = _proration_date(wanted, before, at)
    behavior = wanted.get("proration_behavior", "create_prorations")
    if behavior != "none" and not stops:
        prorations(books, customer, before, [] if anew else after, moment)
    moments: Json = {}
    if anew:
        after = _from_now(books, subscription, after)
        moments = {"billing_cycle_anchor": at, **({"trial_end": at} if stops else {})}
    lines = [period_line(books, item) for item in after] if anew else []
    if wanted.get("payment_behavior") == "pending_if_incomplete" and (anew or behavior == "always_invoice"):
        _bill_first(books, subscription, after, lines, moments)
        return
    subscription["items"]["data"] = after
    subscription.update(moments)
    if stops:
        subscription["status"] = "active"
    if anew or (behavior == "always_invoice" and pending_items(books, customer, subscription)):
        paying = wanted.get("payment_behavior", "allow_incomplete")
        billing.bill_now(books, subscription, "subscription_update", lines, paying)


def _bill_first(books: Books, subscription: Json, after: list[Json], lines: list[Json], moments: Json) -> None:
    """The change waits for its invoice; it is made at once if that is paid at once."""
    customer = books.need("customer", subscription["customer"])
    invoice = invoicing.draft(books, customer, "subscription_update", lines, subscription=subscription)
    pending.wait(books, subscription, after, invoice, moments)
    if invoicing.finalize(books, invoice) and invoice["status"] == "open":
        collecting.collect(books, invoice)
    if subscription["pending_update"]:
        pending.keep_waiting(subscription)


def _try_longer(books: Books, subscription: Json, wanted: Wanted, after: list[Json]) -> None:
    """The trial ends at another time; of a paid period the rest is given back."""
    at, before = books.now(subscription), subscription["items"]["data"]
    ends = trial_end(wanted, at)
    if subscription["status"] != "trialing":
        if wanted.get("proration_behavior", "create_prorations") != "none":
            prorations(books, books.need("customer", subscription["customer"]), before, [], at)
        subscription["trial_start"] = at
    start = subscription["trial_start"]
    subscription["items"]["data"] = [
        {**item, "current_period_start": start, "current_period_end": ends} for item in after
    ]
    subscription.update(status="trialing", trial_end=ends, billing_cycle_anchor=ends, _warned=None)


def _from_now(books: Books, subscription: Json, items: list[Json]) -> list[Json]:
    at = books.now(subscription)
    ends = next_boundary(at, rhythm(books, items), at)
    return [{**item, "current_period_start": at, "current_period_end": ends} for item in items]


def _proration_date(wanted: Wanted, items: list[Json], at: int) -> int:
    moment = int(wanted.get("proration_date", at))
    if not items[0]["current_period_start"] <= moment <= items[0]["current_period_end"]:
        message = "Cannot specify `proration_date` outside of current subscription period."
        raise invalid(message, "proration_date")
    return moment
