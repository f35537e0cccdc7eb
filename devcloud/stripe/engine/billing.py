"""An invoice for a subscription, and the way it is paid: at once, later, or by transfer."""

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import collecting, invoicing
from devcloud.stripe.engine.cards import error_of
from devcloud.stripe.present import public
from devcloud.stripe.settings import settings


def bill_later(books: Books, subscription: Json, reason: str, lines: list[Json]) -> Json:
    """A draft that stays open to changes for an hour, as renewals have it: https://docs.stripe.com/billing/invoices."""
    customer = books.need("customer", subscription["customer"])
    invoice = invoicing.draft(books, customer, reason, lines, subscription=subscription)
    if subscription["status"] == "unpaid" or subscription["pause_collection"]:
        _set_aside(books, subscription, invoice)
    else:
        invoice["automatically_finalizes_at"] = books.now(invoice) + settings(books.cloud)["draft_seconds"]
    return invoice


def bill_now(books: Books, subscription: Json, reason: str, lines: list[Json], behavior: str) -> Json:
    """A final invoice, charged at once unless `behavior`, a payment_behavior, leaves that to somebody.

    Raises StripeError where the payment must not fail and does.
    """
    customer = books.need("customer", subscription["customer"])
    invoice = invoicing.draft(books, customer, reason, lines, subscription=subscription)
    if subscription["pause_collection"]:
        _set_aside(books, subscription, invoice)
        return invoice
    if invoicing.finalize(books, invoice) and invoice["status"] == "open":
        collect_now(books, subscription, invoice, behavior)
    return invoice


def collect_now(books: Books, subscription: Json, invoice: Json, behavior: str) -> None:
    """The open invoice is charged, sent, or left to be paid by somebody on the page."""
    if subscription["collection_method"] == "send_invoice":
        invoicing.send(books, invoice)
        return
    if behavior == "default_incomplete":
        if subscription["status"] in {"active", "trialing"}:
            subscription["status"] = "past_due"
        return
    verdict = collecting.collect(books, invoice)
    if verdict.result != "succeeded" and behavior == "error_if_incomplete":
        raise error_of(verdict, public(books, books.need("payment_intent", invoice["_intent"])))


def after_draft(books: Books, invoice: Json) -> None:
    """The hour is over: the draft is final, and charged or sent."""
    invoice["automatically_finalizes_at"] = None
    if not invoicing.finalize(books, invoice) or invoice["status"] != "open":
        return
    if invoice["collection_method"] == "send_invoice":
        invoicing.send(books, invoice)
    else:
        collecting.collect(books, invoice)


def _set_aside(books: Books, subscription: Json, invoice: Json) -> None:
    """Nobody collects it: the subscription is unpaid, or its collection paused."""
    paused = (subscription["pause_collection"] or {}).get("behavior", "keep_as_draft")
    if paused == "keep_as_draft":
        invoice["auto_advance"] = False
    elif invoicing.finalize(books, invoice) and invoice["status"] == "open":
        if paused == "void":
            invoicing.void(books, invoice)
        else:
            invoicing.mark_uncollectible(books, invoice)
