"""Test cards: what each number is, and what happens when it is charged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devcloud.cloud import Cloud
from devcloud.stripe.books import Books, Json
from devcloud.stripe.errors import StripeError, card_declined

_DECLINES = "stripe_declines"
_MESSAGES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_number": "Your card number is incorrect.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


@dataclass(frozen=True)
class Card:
    """A number that Stripe's test mode knows. `token` is its PaymentMethod. `attaches`: a customer can have it;
    `decline` is why a charge fails; `asks`: the bank wants to know ("once", until it was set up, or "always").
    """

    number: str
    token: str
    title: str
    brand: str = "visa"
    attaches: bool = True
    decline: str = ""
    asks: str = ""
    disputed: bool = False
    refund_fails: bool = False


# https://docs.stripe.com/testing
CARDS = (
    Card("4242424242424242", "pm_card_visa", "Succeeds"),
    Card("5555555555554444", "pm_card_mastercard", "Succeeds (Mastercard)", "mastercard"),
    Card("378282246310005", "pm_card_amex", "Succeeds (American Express)", "amex"),
    Card("4000000000000002", "pm_card_chargeDeclined", "Is declined", attaches=False, decline="generic_decline"),
    Card(
        "4000000000009995",
        "pm_card_chargeDeclinedInsufficientFunds",
        "Has insufficient funds",
        attaches=False,
        decline="insufficient_funds",
    ),
    Card(
        "4000000000000341", "pm_card_chargeCustomerFail", "Attaches, but fails when charged", decline="generic_decline"
    ),
    Card("4000002500003155", "pm_card_authenticationRequiredOnSetup", "Asks once for authentication", asks="once"),
    Card("4000002760003184", "pm_card_authenticationRequired", "Asks each time for authentication", asks="always"),
    Card("4000000000000259", "pm_card_createDispute", "Is disputed afterwards", disputed=True),
    Card("4000000000005126", "pm_card_refundFail", "Succeeds; its refund fails", refund_fails=True),
)
_BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}


@dataclass(frozen=True)
class Verdict:
    """What the bank says to a charge: succeeded, declined or requires_action."""

    result: str
    code: str = ""
    decline_code: str = ""
    message: str = ""


def card_of(number: str) -> Card:
    """The test card. Raises StripeError for any other number."""
    digits = number.replace(" ", "").replace("-", "")
    if digits not in _BY_NUMBER:
        raise card_declined("incorrect_number", "", _MESSAGES["incorrect_number"])
    return _BY_NUMBER[digits]


def card_of_method(method: Json) -> Card:
    return _BY_NUMBER[method["_number"]]


def judge(books: Books, customer: Json, method: Json | None) -> Verdict:
    """What a charge of this payment method comes to. A decline that control asked for counts first."""
    if ordered := _ordered(books.cloud, customer["id"]):
        return _declined(ordered)
    if method is None:
        message = (
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
        )
        return Verdict("declined", "missing_payment_method", "", message)
    card = card_of_method(method)
    if card.decline:
        return _declined(card.decline)
    if method.get("_just_asked"):
        method["_just_asked"] = False
        return Verdict("succeeded")
    if card.asks == "always" or (card.asks == "once" and not method["_set_up"]):
        return Verdict("requires_action", "authentication_required", "", _MESSAGES["authentication_required"])
    return Verdict("succeeded")


def refuse_attaching(card: Card) -> StripeError:
    """What a customer hears whose bank refuses the card at once."""
    verdict = _declined(card.decline)
    return card_declined(verdict.code, verdict.decline_code, verdict.message)


def error_of(verdict: Verdict, intent: Json | None = None) -> StripeError:
    """The verdict as an answer to the call that wanted the money."""
    if verdict.code == "missing_payment_method":
        return StripeError(400, verdict.message, code="resource_missing")
    details: Mapping[str, Any] = {"payment_intent": intent} if intent else {}
    return card_declined(verdict.code, verdict.decline_code, verdict.message, dict(details))


def order_declines(cloud: Cloud, customer: str, codes: list[str]) -> None:
    """The customer's next charges are declined for these reasons, one each."""
    cloud.store.put(_DECLINES, customer, {"codes": codes})


def _ordered(cloud: Cloud, customer: str) -> str:
    """The reason for which control wants this charge declined. It counts, whatever becomes of the unit of work."""
    found = cloud.store.get(_DECLINES, customer)
    if not found or not found["codes"]:
        return ""
    order_declines(cloud, customer, found["codes"][1:])
    return str(found["codes"][0])


def _declined(decline_code: str) -> Verdict:
    code = decline_code if decline_code == "expired_card" else "card_declined"
    message = _MESSAGES.get(decline_code, _MESSAGES["card_declined"])
    return Verdict("declined", code, decline_code, message)
