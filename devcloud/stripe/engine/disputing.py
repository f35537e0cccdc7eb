"""Disputes and refunds: money that goes back."""

from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.periods import DAY
from devcloud.stripe.errors import invalid

_EVIDENCE_DAYS = 9


def open_dispute(books: Books, charge: Json, reason: str) -> Json:
    """The cardholder wants the charge back. Raises StripeError for one that cannot be disputed."""
    if not charge["paid"] or charge["disputed"]:
        raise invalid(f"Charge {charge['id']} cannot be disputed.", "charge")
    at = _now(books, charge)
    charge["disputed"] = True
    dispute = {
        "id": books.new_id("dispute"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": at,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": at + _EVIDENCE_DAYS * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": {"brand": "visa", "case_type": "chargeback"}, "type": "card"},
        "reason": reason,
        "status": "needs_response",
    }
    books.add(dispute, charge["customer"])
    books.tell_created("charge.dispute.created", dispute)
    books.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(books: Books, dispute: Json, status: str) -> None:
    """It is won or lost."""
    dispute["status"] = status
    books.tell("charge.dispute.closed", dispute)
    if status == "won":
        books.tell("charge.dispute.funds_reinstated", dispute)


def refund(books: Books, charge: Json, amount: int | None, **fields: Any) -> Json:
    """So much of the charge, or all that is left, is paid back. Raises StripeError for more than that."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    if not charge["paid"] or left <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge", "charge_already_refunded")
    if not 1 <= amount <= left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    document = {
        "id": books.new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": books.new_id("balance_transaction"),
        "charge": charge["id"],
        "created": _now(books, charge),
        "currency": charge["currency"],
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "status": "succeeded",
        **fields,
    }
    books.add(document, charge["customer"], charge["id"])
    books.tell_created("refund.created", document)
    books.tell("charge.refunded", charge)
    return document


def _now(books: Books, charge: Json) -> int:
    return books.now(books.find("customer", charge["customer"] or "") or {})
