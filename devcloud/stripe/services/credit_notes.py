"""Credit notes: an invoice is owed less than it says, or money goes back."""

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.disputing import refund
from devcloud.stripe.engine.invoicing import move_balance
from devcloud.stripe.engine.settling import paid
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed, listing

_KNOWN = ("invoice", "amount", "credit_amount", "refund_amount", "out_of_band_amount", "memo", "reason")
_WAYS = ("credit_amount", "refund_amount", "out_of_band_amount")


@implements("credit_notes.create", "POST /v1/credit_notes", "CreditNoteCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    books = call.books
    invoice = books.need("invoice", call["invoice"], "invoice")
    if invoice["status"] not in {"open", "paid"}:
        raise invalid(f"The invoice is {invoice['status']}; only open and paid invoices can be credited.", "invoice")
    amount = call.get("amount") or sum(call.get(name, 0) for name in _WAYS)
    before = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if not 0 < amount <= invoice["total"] - before:
        raise invalid("The credit note amount must be above zero and at most what is left of the invoice.", "amount")
    note = _note(books, invoice, call, amount)
    set_fields(note, call, ("memo", "reason"))
    books.add(note, invoice["customer"])
    if invoice["status"] == "open":
        _owe_less(books, invoice, note)
    else:
        _pay_back(call, invoice, note)
    books.tell_created("credit_note.created", note)
    return note


@implements("credit_notes.retrieve", "GET /v1/credit_notes/{id}", "CreditNoteRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("credit_note", call.path["id"])


@implements("credit_notes.list", "GET /v1/credit_notes", "CreditNoteListParams")
def _list(call: Call) -> Json:
    return listed(call, "credit_note")


def _owe_less(books: Books, invoice: Json, note: Json) -> None:
    """An open invoice is owed that much less; nothing left is paid."""
    invoice["pre_payment_credit_notes_amount"] += note["amount"]
    invoice["amount_due"] -= note["amount"]
    invoice["amount_remaining"] = invoice["amount_due"]
    intent = books.find("payment_intent", invoice["_intent"] or "")
    if intent:
        intent["amount"] = invoice["amount_due"]
    if invoice["amount_due"] <= 0:
        paid(books, invoice)


def _pay_back(call: Call, invoice: Json, note: Json) -> None:
    """A paid invoice's money goes to the card, to the balance, or went another way."""
    given = {name: call.get(name, 0) for name in _WAYS}
    if sum(given.values()) != note["amount"]:
        message = f"The sum of credit, refund and out-of-band amounts must be the note's amount ({note['amount']})."
        raise invalid(message, "amount")
    books = call.books
    invoice["post_payment_credit_notes_amount"] += note["amount"]
    customer = books.need("customer", invoice["customer"])
    if given["credit_amount"]:
        moved = move_balance(books, customer, -given["credit_amount"], "credit_note", invoice, credit_note=note["id"])
        note["customer_balance_transaction"] = moved["id"]
    if given["refund_amount"]:
        intent = books.need("payment_intent", invoice["_intent"] or "")
        done = refund(books, books.need("charge", intent["latest_charge"] or ""), given["refund_amount"])
        note["refunds"] = [{"amount_refunded": done["amount"], "refund": done["id"], "type": "refund"}]


def _note(books: Books, invoice: Json, call: Call, amount: int) -> Json:
    number = len([n for n in books.belonging(invoice["customer"], "credit_note") if n["invoice"] == invoice["id"]]) + 1
    key, is_open = books.new_id("credit_note"), invoice["status"] == "open"
    return {
        "id": key,
        "object": "credit_note",
        "amount": amount,
        "amount_shipping": 0,
        "created": books.now(invoice),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": books.now(invoice),
        "invoice": invoice["id"],
        "lines": listing(f"/v1/credit_notes/{key}/lines", []),
        "livemode": False,
        "memo": None,
        "metadata": {},
        "number": f"{invoice['number']}-CN-{number:02d}",
        "out_of_band_amount": call.get("out_of_band_amount"),
        "pdf": f"{invoice['hosted_invoice_url']}/pdf",
        "post_payment_amount": 0 if is_open else amount,
        "pre_payment_amount": amount if is_open else 0,
        "pretax_credit_amounts": [],
        "reason": None,
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_excluding_tax": amount,
        "total_taxes": [],
        "type": "pre_payment" if is_open else "post_payment",
        "voided_at": None,
    }
