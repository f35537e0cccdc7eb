"""The hosted page of an invoice: what is on it, and how to pay it."""

from html import escape

from starlette.responses import Response

from devcloud.pages.layout import section, table
from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import collecting
from devcloud.stripe.engine.cards import error_of
from devcloud.stripe.engine.periods import day
from devcloud.stripe.errors import invalid
from devcloud.stripe.money import written
from devcloud.stripe.pages.frame import Form, button, card_fields, gone, hosted, read_card, redirect, warning
from devcloud.stripe.services.payment_methods import attach


def show(books: Books, token: str, message: str, _form: Form) -> Response:
    """The invoice, with a card form while it is open."""
    invoice = find(books, token)
    if invoice is None:
        return gone("There is no such invoice.")
    due = section("Pay", _payment()) if invoice["status"] == "open" else ""
    body = f"{_facts(invoice)}{lines(invoice)}{warning(message)}{due}"
    return hosted(f"Invoice {invoice['number'] or 'draft'}", body)


def work(books: Books, token: str, form: Form) -> Response:
    """The invoice is paid by card or by transfer. Raises StripeError where the bank refuses."""
    invoice = find(books, token)
    if invoice is None or invoice["status"] != "open":
        raise invalid("This invoice can't be paid.")
    if form.get("act") == "transfer":
        collecting.transferred(books, invoice)
        return redirect(f"/stripe/invoice/{token}")
    customer = books.need("customer", invoice["customer"])
    method = attach(books, read_card(books, form)["id"], customer)
    verdict = collecting.collect(books, invoice, method)
    if verdict.result == "requires_action":
        return redirect(f"/stripe/authenticate/{invoice['_intent']}")
    if verdict.result == "declined":
        error = error_of(verdict)
        error.happened = True
        raise error
    return redirect(f"/stripe/invoice/{token}")


def find(books: Books, token: str) -> Json | None:
    """The invoice whose page has this address."""
    key = next((document["id"] for document in books.all("invoice") if document["_token"] == token), None)
    return books.find("invoice", key) if key else None


def lines(invoice: Json) -> str:
    """What is on the invoice, and what that comes to."""
    currency = invoice["currency"]
    rows = [
        (escape(line["description"] or ""), str(line["quantity"]), written(line["amount"], currency))
        for line in invoice["lines"]["data"]
    ]
    off = sum(each["amount"] for each in invoice["total_discount_amounts"])
    if off:
        rows.append(("Discount", "", written(-off, currency)))
    if invoice["amount_due"] != invoice["total"]:
        rows.append(("From your balance", "", written(invoice["amount_due"] - invoice["total"], currency)))
    rows.append(("<strong>Amount due</strong>", "", f"<strong>{written(invoice['amount_due'], currency)}</strong>"))
    return table(("What", "Quantity", "Amount"), rows, "There is nothing on it.")


def _facts(invoice: Json) -> str:
    facts = {
        "For": invoice["customer_name"] or invoice["customer_email"] or invoice["customer"],
        "Status": invoice["status"],
        "Issued": day(invoice["created"]),
    }
    if invoice["due_date"]:
        facts["Due"] = day(invoice["due_date"])
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items()) + "</dl>"


def _payment() -> str:
    acts = button("pay", "Pay by card", "primary") + button("transfer", "Pay by transfer")
    return f'<form method="post">{card_fields()}<div class="acts">{acts}</div></form>'
