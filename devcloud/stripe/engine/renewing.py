"""Periods follow each other, trials end, and what nobody pays for ends."""

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import billing, invoicing, pending
from devcloud.stripe.engine.changing import period_end
from devcloud.stripe.engine.collecting import has_method
from devcloud.stripe.engine.items import rhythm
from devcloud.stripe.engine.lines import period_line
from devcloud.stripe.engine.periods import next_boundary
from devcloud.stripe.engine.settling import end


def renew(books: Books, subscription: Json) -> None:
    """The next period has begun, and there is a draft for it."""
    _next_period(books, subscription)
    lines = [period_line(books, item) for item in subscription["items"]["data"]]
    billing.bill_later(books, subscription, "subscription_cycle", lines)


def end_trial(books: Books, subscription: Json) -> None:
    """The first paid period has begun; without a card it is as trial_settings want it."""
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    automatic = subscription["collection_method"] == "charge_automatically"
    if automatic and missing != "create_invoice" and not has_method(books, subscription):
        if missing == "cancel":
            end(books, subscription, books.now(subscription), "payment_failed")
            return
        subscription["status"] = "paused"
        books.tell("customer.subscription.paused", subscription)
        return
    subscription["status"] = "active"
    renew(books, subscription)


def warn_of_trial_end(books: Books, subscription: Json) -> None:
    """The customer's trial ends in three days, or sooner where it is that short."""
    subscription["_warned"] = subscription["trial_end"]
    books.tell("customer.subscription.trial_will_end", subscription)


def announce(books: Books, subscription: Json) -> None:
    """An invoice is coming: the event shows what would be on it today."""
    subscription["_announced"] = period_end(subscription)
    books.tell("invoice.upcoming", upcoming(books, subscription))


def upcoming(books: Books, subscription: Json) -> Json:
    """The next invoice as it would be today. It is in nobody's books, and has no id."""
    aside = books.aside()
    there = aside.need("subscription", subscription["id"])
    with aside.pinned(period_end(there)):
        if there["status"] == "trialing":
            there["status"] = "active"
        renew(aside, there)
        found = aside.need("invoice", there["latest_invoice"])
    return {
        **found,
        "id": f"upcoming_{found['id']}",
        "created": books.now(subscription),
        "automatically_finalizes_at": None,
    }


def cancel_in_time(books: Books, subscription: Json) -> None:
    """The moment has come at which it was to end."""
    end(books, subscription, books.now(subscription))


def expire(books: Books, subscription: Json) -> None:
    """Nobody has paid the first invoice within a day: there is no subscription."""
    at = books.now(subscription)
    invoice = books.find("invoice", subscription["latest_invoice"] or "")
    if invoice and invoice["status"] == "open":
        invoicing.void(books, invoice)
    subscription["status"], subscription["ended_at"] = "incomplete_expired", at


def expire_update(books: Books, subscription: Json) -> None:
    """Nobody has paid for the change: it is dropped, and its invoice void."""
    invoice = books.find("invoice", subscription["_pending_invoice"])
    pending.drop(books, subscription)
    if invoice and invoice["status"] == "open":
        invoicing.void(books, invoice)


def collect_again(_books: Books, subscription: Json) -> None:
    """Its invoices are collected from now on."""
    subscription["pause_collection"] = None


def _next_period(books: Books, subscription: Json) -> None:
    items = subscription["items"]["data"]
    start, recurring = period_end(subscription), rhythm(books, items)
    ends = next_boundary(subscription["billing_cycle_anchor"], recurring, start)
    subscription["items"]["data"] = [
        {**item, "current_period_start": start, "current_period_end": ends} for item in items
    ]
