"""Collecting: which card an invoice is charged to, and what comes of it."""

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import settling
from devcloud.stripe.engine.cards import Verdict, judge
from devcloud.stripe.engine.payments import carry_out


def collect(books: Books, invoice: Json, method: Json | None = None) -> Verdict:
    """The open invoice has been charged once, to this payment method or the one that counts for it."""
    customer = books.need("customer", invoice["customer"])
    method = method or method_for(books, invoice)
    verdict = judge(books, customer, method)
    invoice["attempted"], invoice["attempt_count"] = True, invoice["attempt_count"] + 1
    intent = books.need("payment_intent", invoice["_intent"])
    carry_out(books, intent, method, verdict)
    if verdict.result == "succeeded":
        settling.paid(books, invoice)
    else:
        settling.failed(books, invoice, verdict)
    return verdict


def authenticated(books: Books, intent: Json) -> None:
    """The bank's question was answered well: the money has come."""
    method = books.find("payment_method", intent["payment_method"] or "")
    if method:
        method["_set_up"] = True
    carry_out(books, intent, method, Verdict("succeeded"))
    invoice = books.find("invoice", intent["_invoice"] or "")
    if invoice and invoice["status"] == "open":
        settling.paid(books, invoice)


def not_authenticated(books: Books, intent: Json) -> None:
    """The bank's question was answered badly: another card, or another try, is needed."""
    message = "We are unable to authenticate your payment method. Please choose a different one and try again."
    verdict = Verdict("declined", "payment_intent_authentication_failure", "", message)
    carry_out(books, intent, None, verdict)


def transferred(books: Books, invoice: Json) -> None:
    """The money for the open invoice has come by bank transfer."""
    intent = books.find("payment_intent", invoice["_intent"] or "")
    if intent:
        carry_out(books, intent, None, Verdict("succeeded"))
    settling.paid(books, invoice)


def method_for(books: Books, invoice: Json) -> Json | None:
    """The payment method that counts: the invoice's, else the subscription's, else the customer's default."""
    subscription = settling.subscription_of(books, invoice)
    customer = books.need("customer", invoice["customer"])
    key = (
        invoice["default_payment_method"]
        or (subscription or {}).get("default_payment_method")
        or customer["invoice_settings"]["default_payment_method"]
    )
    return books.find("payment_method", key) if key else None


def has_method(books: Books, subscription: Json) -> bool:
    """Whether anything can be charged for the subscription."""
    customer = books.need("customer", subscription["customer"])
    return bool(subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"])
