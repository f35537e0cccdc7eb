"""Payment methods: cards, and whose they are."""

from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.cards import BY_TOKEN, Card, card_of, refuse_attaching
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed, page

_NOBODY = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
_EXPIRY = (12, 2034)


@implements("payment_methods.create", "POST /v1/payment_methods", "PaymentMethodCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, ("type", "card", "billing_details", "allow_redisplay"))
    if "type" not in call:
        raise missing_parameter("type")
    if call["type"] != "card" or "card" not in call:
        raise invalid("devcloud knows payment methods of the type card only.", "type")
    card = call["card"]
    if "token" in card:
        found = BY_TOKEN.get(f"pm_card_{card['token'].removeprefix('tok_')}")
        if found is None:
            raise invalid(f"No such token: '{card['token']}'", "card[token]", "resource_missing")
    else:
        found = card_of(card.get("number", ""))
    expiry = card.get("exp_month", _EXPIRY[0]), card.get("exp_year", _EXPIRY[1])
    method = new_method(call.books, found, expiry, call.get("billing_details"))
    set_fields(method, call, ())
    return method


@implements("payment_methods.retrieve", "GET /v1/payment_methods/{payment_method}", "PaymentMethodRetrieveParams")
def _retrieve(call: Call) -> Json:
    return find_method(call.books, call.path["payment_method"])


@implements("payment_methods.update", "POST /v1/payment_methods/{payment_method}", "PaymentMethodUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, ("billing_details", "card"))
    method = find_method(call.books, call.path["payment_method"])
    set_fields(method, call, ())
    method["billing_details"] = {**method["billing_details"], **(call.get("billing_details") or {})}
    expiry = {name: call["card"][name] for name in ("exp_month", "exp_year") if name in call.get("card", {})}
    method["card"] = {**method["card"], **expiry}
    return method


@implements("payment_methods.attach", "POST /v1/payment_methods/{payment_method}/attach", "PaymentMethodAttachParams")
def _attach(call: Call) -> Json:
    if "customer" not in call:
        raise missing_parameter("customer")
    customer = call.books.need("customer", call["customer"], "customer")
    return attach(call.books, call.path["payment_method"], customer)


@implements("payment_methods.detach", "POST /v1/payment_methods/{payment_method}/detach", "PaymentMethodDetachParams")
def _detach(call: Call) -> Json:
    method = find_method(call.books, call.path["payment_method"])
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    detach(call.books, method)
    return method


@implements("payment_methods.list", "GET /v1/payment_methods", "PaymentMethodListParams")
def _list(call: Call) -> Json:
    if "customer" not in call:
        raise missing_parameter("customer")
    return listed(call, "payment_method")


@implements(
    "customers.payment_methods.list",
    "GET /v1/customers/{customer}/payment_methods",
    "CustomerPaymentMethodListParams",
)
def _list_of_customer(call: Call) -> Json:
    customer = call.books.need("customer", call.path["customer"])
    return page(call, methods_of(call.books, customer)[::-1])


def find_method(books: Books, key: str) -> Json:
    """The payment method; pm_card_visa and its like are a new one each time. Raises StripeError 404."""
    if key in BY_TOKEN:
        return new_method(books, BY_TOKEN[key], _EXPIRY)
    return books.need("payment_method", key, "payment_method")


def new_method(books: Books, card: Card, expiry: tuple[int, int], billing: dict[str, Any] | None = None) -> Json:
    """A payment method that is nobody's."""
    method = {
        "id": books.new_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {**_NOBODY, **(billing or {})},
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": expiry[0],
            "exp_year": expiry[1],
            "fingerprint": card.token[-16:],
            "funding": "credit",
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": books.at,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_number": card.number,
        "_set_up": False,
    }
    return books.add(method)


def attach(books: Books, key: str, customer: Json) -> Json:
    """The customer has the payment method. Raises StripeError 402 where the bank refuses the card at once."""
    method = find_method(books, key)
    card = card_of(method["_number"])
    if not card.attaches:
        raise refuse_attaching(card)
    if method["customer"] not in {None, customer["id"]}:
        message = "The payment method you provided has already been attached to a customer."
        raise invalid(message, "payment_method", "payment_method_unexpected_state")
    if method["customer"] is None:
        method["customer"] = customer["id"]
        books.own(method, customer["id"])
        books.tell_created("payment_method.attached", method)
    return method


def detach(books: Books, method: Json) -> None:
    """It is nobody's, and nothing is charged to it any more."""
    customer = books.need("customer", method["customer"])
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": None}
    for subscription in books.belonging(customer["id"], "subscription"):
        if subscription["default_payment_method"] == method["id"]:
            subscription["default_payment_method"] = None
    method["customer"] = None
    books.tell_created("payment_method.detached", method)


def methods_of(books: Books, customer: Json) -> list[Json]:
    """The customer's, oldest first."""
    found = books.belonging(customer["id"], "payment_method")
    return [method for method in found if method["customer"] == customer["id"]]
