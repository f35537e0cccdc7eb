"""Stripe through its own SDK: one client per process, an idempotency key with every change, errors as three kinds.

The SDK's own retries stay on (two): they repeat a call with the same key. What is to be tried again later is `Away`.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import stripe
from django.conf import settings
from stripe import RequestsClient, SignatureVerificationError, StripeClient, WebhookSignature

from portal.core.errors import Forbidden, ServiceError

RETRIES = 2
PAGE = 100
# The events that the webhook endpoint is told of. Each means the same: its customer's facts are to be fetched anew.
HEARD = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.refunded",
    "checkout.session.completed",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
)
API_VERSION = stripe.api_version  # of what we read, and so of what the endpoint is to be told
SIGNED_SECONDS = 300  # how old a signature may be, as Stripe advises


class Away(Exception):
    """Stripe cannot be reached, is busy, or has trouble of its own: the same call may succeed later."""


class StripeRefused(ServiceError):
    """Stripe will not do it; the sentence is its own."""

    code = "stripe-refused"


class NotThere(StripeRefused):
    """Stripe knows no such object."""


@dataclass(frozen=True)
class Facts:
    """What Stripe tells of a customer: all subscriptions and the newest hundred invoices; and of the newest hundred
    charges those that were paid back or are disputed, each with its newest dispute, if any.
    """

    subscriptions: Sequence[Mapping[str, Any]]
    invoices: Sequence[Mapping[str, Any]]
    reversals: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = ()


def client() -> StripeClient:
    """The client for the account that STRIPE_SECRET_KEY opens. Raises Refused without one."""
    if not settings.STRIPE_SECRET_KEY:
        raise StripeRefused("Stripe is not set up: STRIPE_SECRET_KEY is empty.")
    return _built(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, os.getpid())


@contextmanager
def asking() -> Iterator[Any]:
    """The services of Stripe's API. What goes wrong within is Away, NotThere or StripeRefused."""
    try:
        yield client().v1
    except stripe.StripeError as error:
        raise _understood(error) from error


def fetch(customer: str) -> Facts:
    """Three calls, and one for each further hundred subscriptions and each disputed charge.

    Raises Away, NotThere or StripeRefused.
    """
    wanted: Any = {"customer": customer, "status": "all", "limit": PAGE, "expand": ["data.schedule"]}
    with asking() as api:
        found = [each.to_dict() for each in api.subscriptions.list(wanted).auto_paging_iter()]
        invoices = api.invoices.list({"customer": customer, "limit": PAGE})
        charges = [each.to_dict() for each in api.charges.list({"customer": customer, "limit": PAGE}).data]
        reversed_ = [each for each in charges if each["amount_refunded"] or each["disputed"]]
        return Facts(
            found, [each.to_dict() for each in invoices.data], [(each, _dispute(api, each)) for each in reversed_]
        )


@dataclass(frozen=True)
class Preview:
    """What a change would charge at once, in minor units, if it were made as of that second (UNIX time)."""

    due_now: int
    reckoned_at: int


def preview(subscription: str, items: Sequence[Mapping[str, Any]]) -> Preview:
    """What it would charge at once to change these items of a subscription. Raises Away or StripeRefused."""
    details = {"items": list(items), "proration_behavior": "always_invoice"}
    wanted: Any = {"subscription": subscription, "subscription_details": details}
    with asking() as api:
        found = api.invoices.create_preview(wanted).to_dict()
    told = found["parent"]["subscription_details"]["subscription_proration_date"]
    return Preview(found["amount_due"], told)


def _dispute(api: Any, charge: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The newest dispute of a charge."""
    found = api.disputes.list({"charge": charge["id"], "limit": 1}).data if charge["disputed"] else ()
    return next((each.to_dict() for each in found), None)


def listed(kind: str, **wanted: Any) -> Iterator[Mapping[str, Any]]:
    """All objects of a kind, the newest first, page by page. Raises as `fetch` does."""
    with asking() as api:
        for found in getattr(api, kind).list({"limit": PAGE, **wanted}).auto_paging_iter():
            yield found.to_dict()


def customer_of(thing: Mapping[str, Any]) -> str:
    """The id of the customer that an object of Stripe's belongs to, or is; "" for none."""
    found = thing["id"] if thing.get("object") == "customer" else thing.get("customer")
    return str(found or "")


def charge_of(thing: Mapping[str, Any]) -> str:
    """The id of the charge that a dispute is about; "" for all other objects. A dispute names no customer."""
    return str(thing.get("charge") or "") if thing.get("object") == "dispute" else ""


def customer_of_charge(charge: str) -> str:
    """Who was charged; "" for nobody that Stripe knows as a customer. Raises as `fetch` does."""
    with asking() as api:
        return customer_of(api.charges.retrieve(charge).to_dict())


def verified(payload: bytes, signature: str) -> Mapping[str, Any]:
    """The event, if Stripe has signed it within five minutes with one of our secrets: two while one is replaced.

    Raises Forbidden for any other.
    """
    text = payload.decode(errors="replace")
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        with suppress(SignatureVerificationError):
            WebhookSignature.verify_header(text, signature, secret, SIGNED_SECONDS)
            event: Mapping[str, Any] = json.loads(text)
            return event
    raise Forbidden("This is not signed by Stripe.")


def _understood(error: stripe.StripeError) -> Exception:
    """What an error of the SDK means to us."""
    sentence = error.user_message or str(error) or type(error).__name__
    passing = (stripe.APIConnectionError, stripe.RateLimitError)
    if isinstance(error, passing) or (error.http_status or 0) >= 500:
        return Away(f"Stripe is away: {sentence}")
    if isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing":
        return NotThere(sentence)
    return StripeRefused(f"Stripe refused it: {sentence}")


@cache
def _built(key: str, base: str, _process: int) -> StripeClient:
    stripe.enable_telemetry = False
    elsewhere: dict[str, Any] = {"base_addresses": {"api": base}} if base else {}
    http = RequestsClient(timeout=settings.STRIPE_TIMEOUT_SECONDS)
    return StripeClient(key, http_client=http, max_network_retries=RETRIES, **elsewhere)
