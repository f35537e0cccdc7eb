"""A checkout: what it comes to, and what becomes of it when somebody pays."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import discounts
from devcloud.stripe.engine.items import amount_of
from devcloud.stripe.engine.starting import start, trial_end
from devcloud.stripe.errors import invalid
from devcloud.stripe.money import percentage, share

_DATA = ("trial_end", "trial_period_days", "trial_settings", "description", "billing_cycle_anchor")


def reckon(books: Books, session: Json) -> None:
    """The session's sums fit its lines, quantities and discounts."""
    lines = session["_line_items"]
    for line in lines:
        line["amount_subtotal"] = amount_of(books, line)
        line["amount_discount"] = 0
    subtotal = sum(line["amount_subtotal"] for line in lines)
    off = sum(_share_off(books, session, line, subtotal) for line in lines)
    for line in lines:
        line["amount_total"] = line["amount_subtotal"] - line["amount_discount"]
    in_trial = _in_trial(books, session)
    session["amount_subtotal"] = 0 if in_trial else subtotal
    session["amount_total"] = 0 if in_trial else subtotal - off
    session["total_details"] = {"amount_discount": 0 if in_trial else off, "amount_shipping": 0, "amount_tax": 0}


def redeem(books: Books, session: Json, code: str) -> None:
    """The promotion code counts for the session. Raises StripeError where it does not."""
    wanted = code.strip().upper()
    for document in books.all("promotion_code"):
        if document["code"].upper() == wanted and document["active"]:
            entry = {"coupon": None, "promotion_code": document["id"]}
            discounts.coupon_for(books, books.find("customer", session["customer"] or ""), entry, "promotion_code")
            session["discounts"] = [entry]
            reckon(books, session)
            return
    raise invalid("This code is invalid.", "promotion_code", "promotion_code_invalid")


def complete(books: Books, session: Json, customer: Json, method: Json | None) -> None:
    """The subscription runs, the session is complete. Raises StripeError where the bank refuses the payment.

    The card stays with the subscription; the customer's default is left alone, as Stripe leaves it.
    """
    wanted = _subscription(session, method)
    subscription = start(books, customer, wanted)
    invoice = books.find("invoice", subscription["latest_invoice"] or "")
    session["subscription"], session["customer"] = subscription["id"], customer["id"]
    session["invoice"] = subscription["latest_invoice"]
    paid = invoice is not None and invoice["amount_paid"] > 0
    session["payment_status"] = "paid" if paid else "no_payment_required"
    finish(books, session, customer)


def finish(books: Books, session: Json, customer: Json) -> None:
    """The session is complete, and says who came."""
    owned = books.belonging(customer["id"], "tax_id")
    session["customer_details"] = {
        "address": customer["address"],
        "email": customer["email"],
        "name": customer["name"],
        "phone": customer["phone"],
        "tax_exempt": customer["tax_exempt"],
        "tax_ids": [{"type": each["type"], "value": each["value"]} for each in owned],
    }
    session["status"], session["url"] = "complete", None
    books.tell("checkout.session.completed", session)


def expire(books: Books, session: Json) -> None:
    """Nobody can pay there any more."""
    session["status"], session["url"] = "expired", None
    books.tell("checkout.session.expired", session)


def _subscription(session: Json, method: Json | None) -> Json:
    data = session["_subscription_data"]
    entries = [
        {name: entry[name] for name in ("coupon", "promotion_code") if entry.get(name)}
        for entry in session["discounts"]
    ]
    return {
        **{name: data[name] for name in _DATA if name in data},
        "metadata": dict(data.get("metadata") or {}),
        "items": [
            {"price": line["price"], "quantity": line["quantity"], "metadata": line["metadata"]}
            for line in session["_line_items"]
        ],
        "discounts": entries,
        "automatic_tax": {"enabled": session["automatic_tax"]["enabled"]},
        "default_payment_method": method["id"] if method else None,
        "payment_behavior": "error_if_incomplete",
    }


def _in_trial(books: Books, session: Json) -> bool:
    customer = books.find("customer", session["customer"] or "") or {}
    wanted: Mapping[str, Any] = session["_subscription_data"]
    return wanted.get("trial_end") is not None or trial_end(wanted, books.now(customer)) is not None


def _share_off(books: Books, session: Json, line: Json, subtotal: int) -> int:
    """What the session's coupon takes off the line."""
    for entry in session["discounts"]:
        coupon, _code = discounts.coupon_for(
            books, books.find("customer", session["customer"] or ""), entry, "discounts"
        )
        if coupon["percent_off"] is not None:
            line["amount_discount"] += percentage(line["amount_subtotal"], coupon["percent_off"])
        else:
            off = min(coupon["amount_off"], subtotal)
            line["amount_discount"] += share(off, line["amount_subtotal"], subtotal)
    return int(line["amount_discount"])
