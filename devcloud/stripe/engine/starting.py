"""A subscription begins."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import billing, discounts
from devcloud.stripe.engine.collecting import has_method
from devcloud.stripe.engine.items import check_items, new_item, price_of, rhythm
from devcloud.stripe.engine.lines import period_line
from devcloud.stripe.engine.periods import DAY, next_boundary
from devcloud.stripe.errors import StripeError, invalid, missing_parameter
from devcloud.stripe.lists import listing

_FURTHEST = 5 * 366 * DAY
END_OF_TRIAL = {"end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"}}
NO_DETAILS = {"comment": None, "feedback": None, "feedback_option": None, "reason": None}

Wanted = Mapping[str, Any]


def start(books: Books, customer: Json, wanted: Wanted) -> Json:
    """The subscription exists with its first invoice. `wanted` are the parameters of subscriptions.create.

    Raises StripeError where it can't be, or where payment_behavior=error_if_incomplete and the payment failed.
    """
    at = books.now(customer)
    key = books.new_id("subscription")
    items = [
        new_item(books, key, entry, at, f"items[{number}]") for number, entry in enumerate(wanted.get("items", []))
    ]
    if not items:
        raise missing_parameter("items")
    check_items(books, items)
    subscription = _document(books, customer, wanted, key, items)
    _set_periods(books, subscription, wanted, at)
    books.add(subscription, customer["id"])
    kept: list[str] = []
    subscription["discounts"] = discounts.redeemed(
        books, customer, wanted.get("discounts") or [], kept, subscription=key
    )
    _check_payable(books, subscription, wanted)
    books.tell_created("customer.subscription.created", subscription)
    _bill(books, subscription, wanted.get("payment_behavior", "allow_incomplete"))
    return subscription


def trial_end(wanted: Wanted, at: int) -> int | None:
    """When the trial that is wanted ends. Raises StripeError for a moment that is no good."""
    if wanted.get("trial_end") == "now":
        return None
    if "trial_end" in wanted:
        end = int(wanted["trial_end"])
        if end <= at:
            raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
        if end > at + _FURTHEST:
            raise invalid("Invalid timestamp: can be no more than five years in the future.", "trial_end")
        return end
    days = wanted.get("trial_period_days")
    return at + days * DAY if days else None


def _set_periods(books: Books, subscription: Json, wanted: Wanted, at: int) -> None:
    end = trial_end(wanted, at)
    anchor = end or wanted.get("billing_cycle_anchor") or at
    if anchor < at:
        raise invalid("billing_cycle_anchor cannot be in the past.", "billing_cycle_anchor")
    items = subscription["items"]["data"]
    for item in items:
        item["current_period_start"] = at
        item["current_period_end"] = end or next_boundary(anchor, rhythm(books, items), at)
    subscription["billing_cycle_anchor"] = anchor
    if end:
        subscription.update(status="trialing", trial_start=at, trial_end=end)


def _check_payable(books: Books, subscription: Json, wanted: Wanted) -> None:
    """What is charged at once needs something to be charged to, unless somebody pays on a page."""
    automatic = subscription["collection_method"] == "charge_automatically"
    later = subscription["status"] == "trialing" or wanted.get("payment_behavior") == "default_incomplete"
    free = not any(price_of(books, item)["unit_amount"] for item in subscription["items"]["data"])
    if automatic and not later and not free and not has_method(books, subscription):
        raise StripeError(
            400,
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def _bill(books: Books, subscription: Json, behavior: str) -> None:
    free = subscription["status"] == "trialing"
    lines = [period_line(books, item, free=free) for item in subscription["items"]["data"]]
    if subscription["collection_method"] == "send_invoice":
        subscription["status"] = "trialing" if free else "active"
        billing.bill_later(books, subscription, "subscription_create", lines)
    else:
        billing.bill_now(books, subscription, "subscription_create", lines, behavior)


# What is not so, or not known, of a new subscription.
_NOTHING_YET: Json = {
    "application": None,
    "application_fee_percent": None,
    "billing_cycle_anchor_config": None,
    "billing_thresholds": None,
    "cancel_at_period_end": False,
    "canceled_at": None,
    "default_source": None,
    "ended_at": None,
    "latest_invoice": None,
    "livemode": False,
    "next_pending_invoice_item_invoice": None,
    "on_behalf_of": None,
    "pause_collection": None,
    "pending_invoice_item_interval": None,
    "pending_setup_intent": None,
    "pending_update": None,
    "schedule": None,
    "transfer_data": None,
    "trial_end": None,
    "trial_start": None,
}


def _document(books: Books, customer: Json, wanted: Wanted, key: str, items: list[Json]) -> Json:
    at = books.now(customer)
    _check_collection(wanted)
    return {
        **_NOTHING_YET,
        "id": key,
        "object": "subscription",
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None}
        | dict(wanted.get("automatic_tax") or {}),
        "billing_cycle_anchor": at,
        "billing_mode": {"flexible": None, "type": "classic", "updated_at": None},
        "billing_schedules": [],
        "cancel_at": wanted.get("cancel_at"),
        "cancellation_details": dict(NO_DETAILS),
        "collection_method": wanted.get("collection_method", "charge_automatically"),
        "created": at,
        "currency": price_of(books, items[0])["currency"],
        "customer": customer["id"],
        "days_until_due": wanted.get("days_until_due"),
        "default_payment_method": wanted.get("default_payment_method"),
        "default_tax_rates": [],
        "description": wanted.get("description"),
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": listing(f"/v1/subscription_items?subscription={key}", items),
        "metadata": dict(wanted.get("metadata") or {}),
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
            **(wanted.get("payment_settings") or {}),
        },
        "start_date": at,
        "status": "incomplete",
        "test_clock": customer["test_clock"],
        "trial_settings": wanted.get("trial_settings") or END_OF_TRIAL,
    }


def _check_collection(wanted: Wanted) -> None:
    by_invoice = wanted.get("collection_method") == "send_invoice"
    if by_invoice and "days_until_due" not in wanted:
        raise invalid(
            "If collection_method is set to `send_invoice`, `days_until_due` must be provided.", "days_until_due"
        )
    if not by_invoice and "days_until_due" in wanted:
        raise invalid("days_until_due can only be set if collection_method is `send_invoice`.", "days_until_due")
