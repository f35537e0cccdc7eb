"""Setup intents: a card is kept for later."""

import secrets

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.cards import card_of_method
from devcloud.stripe.fields import refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed
from devcloud.stripe.services.payment_methods import attach

_KNOWN = ("customer", "usage", "payment_method", "confirm", "return_url", "automatic_payment_methods", "description")


@implements("setup_intents.create", "POST /v1/setup_intents", "SetupIntentCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    customer = call.books.need("customer", call["customer"], "customer") if "customer" in call else None
    intent = new_setup_intent(call.books, customer, call.get("usage", "off_session"))
    set_fields(intent, call, ("description",))
    if call.get("confirm") and "payment_method" in call and customer:
        confirm(call.books, intent, attach(call.books, call["payment_method"], customer))
    return intent


@implements("setup_intents.retrieve", "GET /v1/setup_intents/{intent}", "SetupIntentRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("setup_intent", call.path["intent"])


@implements("setup_intents.list", "GET /v1/setup_intents", "SetupIntentListParams")
def _list(call: Call) -> Json:
    return listed(call, "setup_intent")


def new_setup_intent(books: Books, customer: Json | None, usage: str = "off_session") -> Json:
    """It waits for a card."""
    key = books.new_id("setup_intent")
    intent: Json = {
        "id": key,
        "object": "setup_intent",
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{key}_secret_{secrets.token_hex(12)}",
        "created": books.now(customer or {}),
        "customer": customer["id"] if customer else None,
        "description": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "usage": usage,
    }
    books.add(intent, intent["customer"])
    books.tell_created("setup_intent.created", intent)
    return intent


def confirm(books: Books, intent: Json, method: Json) -> None:
    """The card is kept, or its bank wants to be asked first."""
    intent["payment_method"] = method["id"]
    if card_of_method(method).asks and not method["_set_up"]:
        page = f"{books.cloud.addresses.http_url}/stripe/authenticate/{intent['id']}"
        intent["status"] = "requires_action"
        intent["next_action"] = {"redirect_to_url": {"return_url": None, "url": page}, "type": "redirect_to_url"}
        return
    succeed(books, intent)


def succeed(books: Books, intent: Json) -> None:
    """The card may be charged from now on without its owner being there."""
    method = books.need("payment_method", intent["payment_method"])
    method["_set_up"] = True
    intent["status"], intent["next_action"] = "succeeded", None
    books.tell("setup_intent.succeeded", intent)
