"""Payment intents and charges: how an invoice's money is asked for and got."""

import secrets

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import disputing
from devcloud.stripe.engine.cards import Verdict, card_of_method
from devcloud.stripe.present import public


def new_intent(books: Books, invoice: Json, customer: Json) -> Json:
    """The invoice's money can be paid: an intent, and the invoice payment that ties it to the invoice."""
    intent = payment_intent(books, customer, invoice["amount_due"], invoice["currency"])
    intent["_invoice"], invoice["_intent"] = invoice["id"], intent["id"]
    books.tell_created("payment_intent.created", intent)
    _tie(books, invoice, {"type": "payment_intent", "payment_intent": intent["id"]}, "open")
    return intent


def payment_intent(books: Books, customer: Json | None, amount: int, currency: str) -> Json:
    """An intent that waits for a payment method."""
    key = books.new_id("payment_intent")
    document: Json = {
        "id": key,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{key}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": books.now(customer or {}),
        "currency": currency,
        "customer": customer["id"] if customer else None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "status": "requires_payment_method",
        "_invoice": None,
    }
    return books.add(document, customer["id"] if customer else None)


def carry_out(books: Books, intent: Json, method: Json | None, verdict: Verdict) -> None:
    """The intent is as the bank's verdict leaves it, with a charge where the bank was asked."""
    customer = books.find("customer", intent["customer"] or "") or {}
    intent["payment_method"] = method["id"] if method else None
    if verdict.result == "requires_action":
        page = f"{books.cloud.addresses.http_url}/stripe/authenticate/{intent['id']}"
        intent["status"] = "requires_action"
        intent["next_action"] = {"redirect_to_url": {"return_url": None, "url": page}, "type": "redirect_to_url"}
        books.tell("payment_intent.requires_action", intent)
        return
    intent["next_action"] = None
    if method is not None:
        charge = _charge(books, intent, customer, method, verdict)
        intent["latest_charge"] = charge["id"]
    if verdict.result == "declined":
        _fail(books, intent, method, verdict)
        return
    intent["status"], intent["amount_received"], intent["last_payment_error"] = "succeeded", intent["amount"], None
    books.tell("payment_intent.succeeded", intent)
    if method is not None and card_of_method(method).disputed:
        disputing.open_dispute(books, books.need("charge", intent["latest_charge"]), "fraudulent")


def cancel_intent(books: Books, intent: Json, reason: str | None = None) -> None:
    """It can't be paid any more; that it has been already is fine."""
    if intent["status"] in {"succeeded", "canceled"}:
        return
    intent["status"], intent["canceled_at"] = (
        "canceled",
        books.now(books.find("customer", intent["customer"] or "") or {}),
    )
    intent["cancellation_reason"] = reason
    books.tell("payment_intent.canceled", intent)


def _fail(books: Books, intent: Json, method: Json | None, verdict: Verdict) -> None:
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {
        "charge": intent["latest_charge"],
        "code": verdict.code,
        "decline_code": verdict.decline_code or None,
        "message": verdict.message,
        "payment_method": public(books, method) if method else None,
        "type": "card_error",
    }
    books.tell("payment_intent.payment_failed", intent)


def _charge(books: Books, intent: Json, customer: Json, method: Json, verdict: Verdict) -> Json:
    succeeded = verdict.result == "succeeded"
    charge = {
        "id": books.new_id("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if succeeded else 0,
        "amount_refunded": 0,
        "balance_transaction": books.new_id("balance_transaction") if succeeded else None,
        "billing_details": method["billing_details"],
        "captured": succeeded,
        "created": books.now(customer),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": verdict.code or None,
        "failure_message": verdict.message or None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "outcome": _outcome(verdict),
        "paid": succeeded,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": method["card"], "type": "card"},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "status": "succeeded" if succeeded else "failed",
        "_invoice": intent["_invoice"],
    }
    books.add(charge, intent["customer"])
    books.tell_created("charge.succeeded" if succeeded else "charge.failed", charge)
    return charge


def _outcome(verdict: Verdict) -> Json:
    if verdict.result == "succeeded":
        return {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
    return {"network_status": "declined_by_network", "reason": verdict.decline_code, "type": "issuer_declined"}


def _tie(books: Books, invoice: Json, payment: Json, status: str) -> None:
    document = {
        "id": books.new_id("invoice_payment"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": books.now(invoice),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": payment,
        "status": status,
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    books.add(document, invoice["id"])
