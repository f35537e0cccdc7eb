"""Refunds."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.disputing import refund
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed


@implements("refunds.create", "POST /v1/refunds", "RefundCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, ("charge", "payment_intent", "amount", "reason"))
    key = call.get("charge")
    if "payment_intent" in call:
        key = call.books.need("payment_intent", call["payment_intent"], "payment_intent")["latest_charge"]
        if key is None:
            message = f"This PaymentIntent ({call['payment_intent']}) does not have a successful charge to refund."
            raise invalid(message, "payment_intent")
    if key is None:
        raise missing_parameter("charge")
    charge = call.books.need("charge", key, "charge")
    document = refund(call.books, charge, call.get("amount"), reason=call.get("reason"))
    set_fields(document, call, ())
    return document


@implements("refunds.retrieve", "GET /v1/refunds/{refund}", "RefundRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("refund", call.path["refund"])


@implements("refunds.list", "GET /v1/refunds", "RefundListParams")
def _list(call: Call) -> Json:
    return listed(call, "refund")
