"""Invoices: made by hand, looked at before they exist, finalized, paid, sent, voided or written off."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine import invoicing, settling
from devcloud.stripe.engine.cards import error_of
from devcloud.stripe.engine.collecting import collect
from devcloud.stripe.engine.periods import DAY
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import deleted, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed, page
from devcloud.stripe.present import public
from devcloud.stripe.services.payment_methods import attach
from devcloud.stripe.settings import settings

_FIELDS = ("auto_advance", "custom_fields", "days_until_due", "default_payment_method", "description", "due_date",
           "footer", "collection_method", "statement_descriptor")  # fmt: skip
_KNOWN = (*_FIELDS, "customer", "currency", "pending_invoice_items_behavior", "automatic_tax", "subscription")


@implements("invoices.create", "POST /v1/invoices", "InvoiceCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    if "customer" not in call:
        raise missing_parameter("customer")
    books = call.books
    customer = books.need("customer", call["customer"], "customer")
    subscription = books.need("subscription", call["subscription"], "subscription") if "subscription" in call else None
    included = call.get("pending_invoice_items_behavior") == "include" or subscription is not None
    fields = {"auto_advance": call.get("auto_advance", False)}
    if "currency" in call:
        fields["currency"] = call["currency"]
    invoice = invoicing.draft(books, customer, "manual", [], subscription=subscription, pending=included, **fields)
    _set(call, invoice)
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = books.now(invoice) + settings(books.cloud)["draft_seconds"]
    return invoice


@implements("invoices.retrieve", "GET /v1/invoices/{invoice}", "InvoiceRetrieveParams")
def _retrieve(call: Call) -> Json:
    return _invoice(call)


@implements("invoices.update", "POST /v1/invoices/{invoice}", "InvoiceUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, (*_FIELDS, "automatic_tax"))
    invoice = _invoice(call)
    if invoice["status"] != "draft" and call.params.keys() - {
        "metadata",
        "auto_advance",
        "default_payment_method",
        "expand",
    }:
        raise invalid("Finalized invoices can't be updated in this way.", "invoice", "invoice_not_editable")
    _set(call, invoice)
    return invoice


@implements("invoices.list", "GET /v1/invoices", "InvoiceListParams")
def _list(call: Call) -> Json:
    return listed(
        call,
        "invoice",
        subscription=lambda invoice, wanted: _subscription_id(invoice) == wanted,
    )


@implements("invoices.delete", "DELETE /v1/invoices/{invoice}", "InvoiceDeleteParams")
def _delete(call: Call) -> Json:
    invoice = _invoice(call)
    if invoice["status"] != "draft" or invoice["parent"]:
        raise invalid("You can only delete draft invoices that are not part of a subscription.", "invoice")
    call.books.remove(invoice)
    call.books.tell("invoice.deleted", invoice)
    return deleted(invoice)


@implements("invoices.finalize_invoice", "POST /v1/invoices/{invoice}/finalize", "InvoiceFinalizeInvoiceParams")
def _finalize(call: Call) -> Json:
    invoice = _invoice(call)
    if invoice["status"] != "draft":
        message = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        raise invalid(message, "invoice", "invoice_not_editable")
    invoice["auto_advance"] = call.get("auto_advance", invoice["auto_advance"])
    if not invoicing.finalize(call.books, invoice):
        error = invoice["last_finalization_error"]
        refusal = invalid(error["message"], code=error["code"])
        refusal.happened = True
        raise refusal
    _collect_if_automatic(call, invoice)
    return invoice


@implements("invoices.pay", "POST /v1/invoices/{invoice}/pay", "InvoicePayParams")
def _pay(call: Call) -> Json:
    """Paid, or refused as the bank refuses it; the try counts either way."""
    refuse_unimplemented(call, ("paid_out_of_band", "payment_method", "off_session"))
    invoice = _invoice(call)
    if invoice["status"] == "draft":
        invoicing.finalize(call.books, invoice)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", "invoice", "invoice_already_paid")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise invalid(f"Invoices that are {invoice['status']} can't be paid.", "invoice", "invoice_not_payable")
    if call.get("paid_out_of_band"):
        settling.paid(call.books, invoice, out_of_band=True)
        return invoice
    customer = call.books.need("customer", invoice["customer"])
    method = attach(call.books, call["payment_method"], customer) if "payment_method" in call else None
    verdict = collect(call.books, invoice, method)
    if verdict.result != "succeeded":
        error = error_of(verdict, public(call.books, call.books.need("payment_intent", invoice["_intent"])))
        error.happened = True
        raise error
    return invoice


@implements("invoices.send_invoice", "POST /v1/invoices/{invoice}/send", "InvoiceSendInvoiceParams")
def _send(call: Call) -> Json:
    invoice = _invoice(call)
    if invoice["collection_method"] != "send_invoice":
        message = "You can only manually send an invoice if its collection method is 'send_invoice'."
        raise invalid(message, "invoice")
    if invoice["status"] == "draft":
        invoicing.finalize(call.books, invoice)
    if invoice["status"] == "open":
        invoicing.send(call.books, invoice)
    return invoice


@implements("invoices.void_invoice", "POST /v1/invoices/{invoice}/void", "InvoiceVoidInvoiceParams")
def _void(call: Call) -> Json:
    invoice = _invoice(call)
    invoicing.void(call.books, invoice)
    return invoice


@implements(
    "invoices.mark_uncollectible",
    "POST /v1/invoices/{invoice}/mark_uncollectible",
    "InvoiceMarkUncollectibleParams",
)
def _mark_uncollectible(call: Call) -> Json:
    invoice = _invoice(call)
    invoicing.mark_uncollectible(call.books, invoice)
    return invoice


@implements("invoices.line_items.list", "GET /v1/invoices/{invoice}/lines", "InvoiceLineItemListParams")
def _lines(call: Call) -> Json:
    return page(call, _invoice(call)["lines"]["data"])


@implements("invoice_payments.list", "GET /v1/invoice_payments", "InvoicePaymentListParams")
def _payments(call: Call) -> Json:
    return listed(
        call,
        "invoice_payment",
        payment=lambda payment, wanted: all(payment["payment"].get(name) == value for name, value in wanted.items()),
    )


@implements("invoice_payments.retrieve", "GET /v1/invoice_payments/{invoice_payment}", "InvoicePaymentRetrieveParams")
def _payment(call: Call) -> Json:
    return call.books.need("invoice_payment", call.path["invoice_payment"])


def _invoice(call: Call) -> Json:
    return call.books.need("invoice", call.path["invoice"], "invoice")


def _subscription_id(invoice: Json) -> str | None:
    return ((invoice["parent"] or {}).get("subscription_details") or {}).get("subscription")


def _set(call: Call, invoice: Json) -> None:
    set_fields(invoice, call, _FIELDS)
    days = invoice.pop("days_until_due", None)
    if days is not None:
        invoice["due_date"] = invoice["created"] + days * DAY
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        message = "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
        raise invalid(message, "days_until_due")
    if "automatic_tax" in call:
        invoice["automatic_tax"] = {**invoice["automatic_tax"], **call["automatic_tax"]}


def _collect_if_automatic(call: Call, invoice: Json) -> None:
    """An invoice that goes on by itself is charged or sent; Stripe does so within the hour, we at once."""
    if invoice["status"] == "open" and invoice["auto_advance"]:
        if invoice["collection_method"] == "send_invoice":
            invoicing.send(call.books, invoice)
        else:
            collect(call.books, invoice)
