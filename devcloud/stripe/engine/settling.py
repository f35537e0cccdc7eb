"""What follows for an invoice and its subscription when money has come, or has not."""

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import pending
from devcloud.stripe.engine.cards import Verdict
from devcloud.stripe.engine.payments import cancel_intent
from devcloud.stripe.engine.periods import DAY
from devcloud.stripe.settings import settings

_ENDED = {"canceled", "incomplete_expired"}


def subscription_of(books: Books, invoice: Json) -> Json | None:
    """The subscription that the invoice is for."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return books.find("subscription", details["subscription"]) if details else None


def paid(books: Books, invoice: Json, *, out_of_band: bool = False) -> None:
    """Nothing is left to pay, and whatever waited for that goes on."""
    at = books.now(invoice)
    invoice["status"], invoice["auto_advance"], invoice["next_payment_attempt"] = "paid", False, None
    invoice["attempted"] = True
    invoice["amount_paid"], invoice["amount_remaining"] = invoice["amount_due"], 0
    invoice["amount_paid_off_stripe"] = invoice["amount_due"] if out_of_band else 0
    invoice["status_transitions"]["paid_at"] = at
    _close_payments(books, invoice, at, "canceled" if out_of_band else "paid")
    books.tell("invoice.paid", invoice)
    if not out_of_band:
        books.tell("invoice.payment_succeeded", invoice)
    customer = books.need("customer", invoice["customer"])
    customer["currency"] = customer["currency"] or invoice["currency"]
    customer["delinquent"] = False
    subscription = subscription_of(books, invoice)
    if subscription and subscription["status"] not in _ENDED:
        _go_on(books, subscription, invoice)


def failed(books: Books, invoice: Json, verdict: Verdict) -> None:
    """The invoice waits for its next try, if there is one; its subscription is where that leaves it."""
    subscription = subscription_of(books, invoice)
    waiting = bool(subscription and (subscription["status"] == "incomplete" or is_pending(subscription, invoice)))
    days = settings(books.cloud)["retry_days"]
    tries = 0 if waiting or not invoice["auto_advance"] else len(days)
    number = invoice["attempt_count"]
    more = number <= tries and invoice["collection_method"] == "charge_automatically"
    invoice["next_payment_attempt"] = books.now(invoice) + days[number - 1] * DAY if more else None
    if verdict.result == "requires_action":
        books.tell("invoice.payment_action_required", invoice)
    books.tell("invoice.payment_failed", invoice)
    if subscription is None or waiting:
        return
    books.need("customer", invoice["customer"])["delinquent"] = True
    if subscription["status"] in {"active", "trialing"}:
        subscription["status"] = "past_due"
    if not more and subscription["status"] == "past_due":
        _exhausted(books, subscription)


def overdue(books: Books, invoice: Json) -> None:
    """The day has passed on which an invoice that was sent should have been paid."""
    invoice["_overdue"] = True
    books.tell("invoice.overdue", invoice)
    subscription = subscription_of(books, invoice)
    books.need("customer", invoice["customer"])["delinquent"] = True
    if subscription and subscription["status"] == "active":
        subscription["status"] = "past_due"


def give_up(books: Books, invoice: Json) -> None:
    """Its payment can't be made any more."""
    _close_payments(books, invoice, books.now(invoice), "canceled")


def end(books: Books, subscription: Json, at: int, reason: str | None = None) -> None:
    """The subscription is over."""
    subscription["status"], subscription["ended_at"] = "canceled", at
    subscription["canceled_at"] = subscription["canceled_at"] or at
    subscription["pending_update"] = None
    if reason:
        subscription["cancellation_details"] = {**subscription["cancellation_details"], "reason": reason}
    for invoice in books.belonging(subscription["customer"], "invoice"):
        if invoice["status"] in {"draft", "open"} and subscription_of(books, invoice) is subscription:
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
    books.tell_created("customer.subscription.deleted", subscription)
    if subscription["schedule"]:
        schedule = books.need("subscription_schedule", subscription["schedule"])
        schedule["status"], schedule["canceled_at"], schedule["current_phase"] = "canceled", at, None
        books.tell_created("subscription_schedule.canceled", schedule)


def is_pending(subscription: Json, invoice: Json) -> bool:
    """Whether a change waits for just this invoice."""
    return bool(subscription["pending_update"]) and subscription.get("_pending_invoice") == invoice["id"]


def _go_on(books: Books, subscription: Json, invoice: Json) -> None:
    if is_pending(subscription, invoice):
        pending.apply(books, subscription)
    method = _paid_with(books, invoice)
    saves = (subscription["payment_settings"] or {}).get("save_default_payment_method") == "on_subscription"
    if method and saves:
        subscription["default_payment_method"] = method
    latest = subscription["latest_invoice"] == invoice["id"]
    if subscription["status"] == "incomplete" or (latest and subscription["status"] in {"past_due", "unpaid"}):
        in_trial = (subscription["trial_end"] or 0) > books.now(subscription)
        subscription["status"] = "trialing" if in_trial else "active"
    elif subscription["status"] == "paused" and latest:
        subscription["status"] = "active"
        books.tell("customer.subscription.resumed", subscription)


def _exhausted(books: Books, subscription: Json) -> None:
    """All tries have failed: what follows is a setting of the account."""
    follows = settings(books.cloud)["exhausted"]
    if follows == "cancel":
        end(books, subscription, books.now(subscription), "payment_failed")
    elif follows == "unpaid":
        subscription["status"] = "unpaid"


def _paid_with(books: Books, invoice: Json) -> str | None:
    intent = books.find("payment_intent", invoice["_intent"] or "")
    return intent["payment_method"] if intent and intent["status"] == "succeeded" else None


def _close_payments(books: Books, invoice: Json, at: int, status: str) -> None:
    for payment in books.belonging(invoice["id"], "invoice_payment"):
        if payment["status"] == "open":
            payment["status"] = status
            payment["status_transitions"][f"{status}_at"] = at
            payment["amount_paid"] = invoice["amount_due"] if status == "paid" else None
    intent = books.find("payment_intent", invoice["_intent"] or "")
    if intent and status == "canceled":
        cancel_intent(books, intent, "void_invoice" if invoice["status"] == "void" else None)
