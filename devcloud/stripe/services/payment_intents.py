"""Payment intents and charges, as far as invoices need them."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.cards import error_of
from devcloud.stripe.engine.collecting import collect
from devcloud.stripe.engine.payments import cancel_intent
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import refuse_unimplemented
from devcloud.stripe.lists import listed
from devcloud.stripe.present import public
from devcloud.stripe.services.payment_methods import attach


@implements("payment_intents.retrieve", "GET /v1/payment_intents/{intent}", "PaymentIntentRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("payment_intent", call.path["intent"])


@implements("payment_intents.list", "GET /v1/payment_intents", "PaymentIntentListParams")
def _list(call: Call) -> Json:
    return listed(call, "payment_intent")


@implements("payment_intents.confirm", "POST /v1/payment_intents/{intent}/confirm", "PaymentIntentConfirmParams")
def _confirm(call: Call) -> Json:
    """What Stripe's page does in a browser: the invoice behind the intent is charged to this card."""
    refuse_unimplemented(call, ("payment_method", "return_url", "off_session"))
    intent = call.books.need("payment_intent", call.path["intent"])
    invoice = call.books.find("invoice", intent["_invoice"] or "")
    if invoice is None or invoice["status"] != "open":
        message = f"This PaymentIntent's status is {intent['status']}; it can't be confirmed."
        raise invalid(message, code="payment_intent_unexpected_state")
    customer = call.books.need("customer", intent["customer"])
    method = attach(call.books, call["payment_method"], customer) if "payment_method" in call else None
    verdict = collect(call.books, invoice, method)
    if verdict.result == "declined":
        error = error_of(verdict, public(call.books, intent))
        error.happened = True
        raise error
    return intent


@implements("payment_intents.cancel", "POST /v1/payment_intents/{intent}/cancel", "PaymentIntentCancelParams")
def _cancel(call: Call) -> Json:
    intent = call.books.need("payment_intent", call.path["intent"])
    if intent["_invoice"]:
        message = "You cannot cancel this PaymentIntent: it belongs to an invoice. Void the invoice instead."
        raise invalid(message, code="payment_intent_unexpected_state")
    cancel_intent(call.books, intent, call.get("cancellation_reason"))
    return intent


@implements("charges.retrieve", "GET /v1/charges/{charge}", "ChargeRetrieveParams")
def _retrieve_charge(call: Call) -> Json:
    return call.books.need("charge", call.path["charge"])


@implements("charges.list", "GET /v1/charges", "ChargeListParams")
def _list_charges(call: Call) -> Json:
    return listed(call, "charge")
