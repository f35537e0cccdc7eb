"""Invoices from draft to final: what is on them, what that comes to, and what the customer's balance pays of it."""

import secrets
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import discounts, settling
from devcloud.stripe.engine.lines import item_line, pending_items
from devcloud.stripe.engine.payments import new_intent
from devcloud.stripe.engine.periods import DAY
from devcloud.stripe.errors import invalid
from devcloud.stripe.lists import listing
from devcloud.stripe.settings import settings

_ADDRESS = "customer_tax_location_invalid"


def draft(
    books: Books,
    customer: Json,
    reason: str,
    lines: list[Json],
    *,
    subscription: Json | None = None,
    pending: bool = True,
    **fields: Any,
) -> Json:
    """A draft with these lines, what was pending, and the subscription's discounts; `fields` are of the invoice."""
    at = books.now(customer)
    waiting = pending_items(books, customer, subscription) if pending else []
    # What a change of today's costs stands above the period that it leads to, as Stripe has it.
    found = [*(item_line(books, item) for item in waiting), *lines]
    invoice = _document(books, customer, subscription, at, reason)
    invoice.update(fields)
    invoice["currency"] = found[0]["currency"] if found else invoice["currency"]
    invoice["lines"] = listing(f"/v1/invoices/{invoice['id']}/lines", found)
    for each in [*found, *waiting]:
        each["invoice"] = invoice["id"]
    keys = [] if subscription is None else subscription["discounts"]
    applied = discounts.active(books, keys, at)
    invoice["discounts"] = [discount["id"] for discount in applied]
    reckon(books, invoice)
    if invoice["subtotal"] > 0:
        discounts.use_up(books, invoice["discounts"])
    books.add(invoice, customer["id"])
    if subscription is not None:
        subscription["latest_invoice"] = invoice["id"]
    books.tell_created("invoice.created", invoice)
    return invoice


def reckon(books: Books, invoice: Json) -> None:
    """The draft's sums fit its lines and discounts."""
    lines = invoice["lines"]["data"]
    applied = [books.need("discount", key) for key in invoice["discounts"]]
    invoice["total_discount_amounts"] = discounts.take_off(books, lines, applied)
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - sum(each["amount"] for each in invoice["total_discount_amounts"])
    for name in ("subtotal", "subtotal_excluding_tax"):
        invoice[name] = subtotal
    for name in ("total", "total_excluding_tax"):
        invoice[name] = total
    invoice["amount_due"] = invoice["amount_remaining"] = max(total, 0)
    if lines:
        invoice["period_start"] = min(line["period"]["start"] for line in lines)
        invoice["period_end"] = max(line["period"]["end"] for line in lines)


def finalize(books: Books, invoice: Json) -> bool:
    """The invoice is open with a number and a page, or paid where nothing is due; says whether it could be.

    It cannot where tax is wanted and the customer's place unknown: it stays a draft, and an event says why.
    """
    customer = books.need("customer", invoice["customer"])
    if not _locate(books, invoice, customer):
        return False
    at = books.now(customer)
    reckon(books, invoice)
    _spend_balance(books, invoice, customer)
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    invoice["status"], invoice["effective_at"] = "open", at
    invoice["status_transitions"]["finalized_at"] = at
    invoice["automatically_finalizes_at"] = None
    page = f"{books.cloud.addresses.http_url}/stripe/invoice/{invoice['_token']}"
    invoice["hosted_invoice_url"], invoice["invoice_pdf"] = page, f"{page}/pdf"
    invoice["webhooks_delivered_at"] = at
    if invoice["amount_due"] > 0:
        new_intent(books, invoice, customer)
    books.tell("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        settling.paid(books, invoice)
    return True


def send(books: Books, invoice: Json) -> None:
    """The customer has the invoice by mail."""
    books.tell("invoice.sent", invoice)


def void(books: Books, invoice: Json) -> None:
    """Nothing is owed by it any more. Raises StripeError for one that is neither open nor written off."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise invalid(f"You can only void open invoices, but this invoice is {invoice['status']}.", "invoice")
    invoice["status"] = "void"
    invoice["status_transitions"]["voided_at"] = books.now(invoice)
    invoice["next_payment_attempt"], invoice["auto_advance"] = None, False
    settling.give_up(books, invoice)
    books.tell("invoice.voided", invoice)


def mark_uncollectible(books: Books, invoice: Json) -> None:
    """Nobody expects the money any more. Raises StripeError for one that is not open."""
    if invoice["status"] != "open":
        raise invalid(f"You can only mark open invoices as uncollectible, but this is {invoice['status']}.", "invoice")
    invoice["status"] = "uncollectible"
    invoice["status_transitions"]["marked_uncollectible_at"] = books.now(invoice)
    invoice["next_payment_attempt"], invoice["auto_advance"] = None, False
    books.tell("invoice.marked_uncollectible", invoice)


def _locate(books: Books, invoice: Json, customer: Json) -> bool:
    if not invoice["automatic_tax"]["enabled"] or (customer["address"] or {}).get("country"):
        return True
    invoice["automatic_tax"] = {**invoice["automatic_tax"], "status": "requires_location_inputs"}
    invoice["last_finalization_error"] = {
        "code": _ADDRESS,
        "message": "The customer's location isn't recognized. Set a valid customer address in order to calculate tax.",
        "type": "invalid_request_error",
    }
    books.tell("invoice.finalization_failed", invoice)
    return False


def _spend_balance(books: Books, invoice: Json, customer: Json) -> None:
    """A credit pays as much as it can; a debt comes on top; a negative total becomes credit."""
    before, total = customer["balance"], invoice["total"]
    due = total + before
    after = min(due, 0) if due < 0 else 0
    invoice["starting_balance"], invoice["ending_balance"] = before, after
    invoice["amount_due"] = invoice["amount_remaining"] = max(due, 0)
    if after != before:
        move_balance(books, customer, after - before, "applied_to_invoice", invoice)


def move_balance(
    books: Books, customer: Json, amount: int, kind: str, invoice: Json | None = None, **fields: Any
) -> Json:
    """The customer's balance has changed by the amount; below zero is credit."""
    customer["balance"] += amount
    currency = invoice["currency"] if invoice else fields.get("currency") or customer["currency"] or "usd"
    customer["currency"] = customer["currency"] or currency
    document = {
        "id": books.new_id("customer_balance_transaction"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": books.now(customer),
        "credit_note": None,
        "customer": customer["id"],
        "description": None,
        "ending_balance": customer["balance"],
        "invoice": invoice["id"] if invoice else None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        **fields,
        "currency": currency,
    }
    return books.add(document, customer["id"])


_UNTAXED: Json = {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None}
# What is not so, or not known, of a new draft.
_NOTHING_YET: Json = {
    "account_tax_ids": None,
    "amount_due": 0,
    "amount_overpaid": 0,
    "amount_paid": 0,
    "amount_paid_off_stripe": 0,
    "amount_remaining": 0,
    "amount_shipping": 0,
    "application": None,
    "attempt_count": 0,
    "attempted": False,
    "automatically_finalizes_at": None,
    "custom_fields": None,
    "default_payment_method": None,
    "default_source": None,
    "description": None,
    "effective_at": None,
    "ending_balance": None,
    "footer": None,
    "from_invoice": None,
    "hosted_invoice_url": None,
    "invoice_pdf": None,
    "last_finalization_error": None,
    "latest_revision": None,
    "livemode": False,
    "next_payment_attempt": None,
    "number": None,
    "on_behalf_of": None,
    "post_payment_credit_notes_amount": 0,
    "pre_payment_credit_notes_amount": 0,
    "receipt_number": None,
    "shipping_cost": None,
    "shipping_details": None,
    "statement_descriptor": None,
    "threshold_reason": None,
    "webhooks_delivered_at": None,
    "_intent": None,
}


def _document(books: Books, customer: Json, subscription: Json | None, at: int, reason: str) -> Json:
    """An empty draft."""
    automatic = subscription["collection_method"] != "send_invoice" if subscription else True
    days = subscription["days_until_due"] if subscription else None
    account = settings(books.cloud)
    return {
        **_NOTHING_YET,
        "id": books.new_id("invoice"),
        "object": "invoice",
        "account_country": account["country"],
        "account_name": account["account_name"],
        "auto_advance": True,
        "automatic_tax": _UNTAXED | (subscription["automatic_tax"] if subscription else {}),
        "billing_reason": reason,
        "collection_method": "charge_automatically" if automatic else "send_invoice",
        "created": at,
        "currency": subscription["currency"] if subscription else customer["currency"] or "usd",
        **_addressee(books, customer),
        "default_tax_rates": [],
        "discounts": [],
        "due_date": None if automatic or days is None else at + days * DAY,
        "issuer": {"type": "self"},
        "metadata": {},
        "parent": _parent(subscription),
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": at,
        "period_start": at,
        "starting_balance": customer["balance"],
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "test_clock": customer["test_clock"],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "_token": secrets.token_urlsafe(18),
    }


def _addressee(books: Books, customer: Json) -> Json:
    owned = books.belonging(customer["id"], "tax_id")
    return {
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [{"type": each["type"], "value": each["value"]} for each in owned],
    }


def _parent(subscription: Json | None) -> Json | None:
    if subscription is None:
        return None
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
