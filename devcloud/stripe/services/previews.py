"""Invoices as they would be: the books are tried out, and nobody keeps them."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine import changing
from devcloud.stripe.engine.renewing import upcoming
from devcloud.stripe.engine.starting import start
from devcloud.stripe.errors import StripeError, invalid, missing_parameter
from devcloud.stripe.fields import refuse_unimplemented

_KNOWN = ("customer", "subscription", "subscription_details", "discounts", "preview_mode", "currency", "automatic_tax")
_DETAILS = {
    "items", "proration_behavior", "proration_date", "billing_cycle_anchor", "cancel_at", "cancel_at_period_end",
    "cancel_now", "trial_end", "start_date",
}  # fmt: skip


@implements("invoices.create_preview", "POST /v1/invoices/create_preview", "InvoiceCreatePreviewParams")
def _preview(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    details = dict(call.get("subscription_details") or {})
    if unknown := sorted(details.keys() - _DETAILS):
        raise invalid(f"devcloud does not implement subscription_details[{unknown[0]}].", "subscription_details")
    aside = call.books.aside()
    if "discounts" in call:
        details["discounts"] = call["discounts"]
    if "subscription" in call:
        return _of_change(aside, call["subscription"], details)
    if "customer" not in call:
        raise missing_parameter("customer")
    return _of_start(aside, aside.need("customer", call["customer"], "customer"), details)


def _of_start(aside: Books, customer: Json, details: Mapping[str, Any]) -> Json:
    """The first invoice of a subscription that there is not."""
    wanted = {name: details[name] for name in ("items", "trial_end", "discounts") if name in details}
    subscription = start(aside, customer, {**wanted, "payment_behavior": "default_incomplete"})
    return _shown(aside.need("invoice", subscription["latest_invoice"]))


def _of_change(aside: Books, key: str, details: dict[str, Any]) -> Json:
    """The invoice that the change makes at once, or else the next one with what the change adds to it."""
    subscription = aside.need("subscription", key, "subscription")
    before, moment = subscription["latest_invoice"], details.get("proration_date", aside.now(subscription))
    if details.pop("cancel_now", False):
        prorated = details.get("proration_behavior", "create_prorations") != "none"
        changing.cancel(aside, subscription, prorate=prorated, invoice_now=True)
    else:
        changing.change(aside, subscription, {**details, "payment_behavior": "default_incomplete"})
    if subscription["latest_invoice"] != before:
        return _dated(_shown(aside.need("invoice", subscription["latest_invoice"])), moment)
    if subscription["status"] in {"canceled", "incomplete_expired"} or subscription["cancel_at_period_end"]:
        raise StripeError(404, "No upcoming invoices for customer", code="invoice_upcoming_none")
    return _dated(upcoming(aside, subscription), moment)


def _dated(invoice: Json, moment: int) -> Json:
    """Only of a preview it is told which moment was reckoned with, so that the change can be made as of that moment."""
    of = invoice["parent"]["subscription_details"]
    details = {**of, "subscription_proration_date": moment}
    return {**invoice, "parent": {**invoice["parent"], "subscription_details": details}}


def _shown(invoice: Json) -> Json:
    """As it would be: a draft that is in nobody's books."""
    aside = {**invoice, "id": f"upcoming_{invoice['id']}", "status": "draft", "number": None}
    return {**aside, "hosted_invoice_url": None, "invoice_pdf": None}
