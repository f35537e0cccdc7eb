"""Stripe through its own SDK: one client per process, an idempotency key with every change, errors as three kinds.

The SDK's own retries stay on (two): they repeat a call with the same key. What is to be tried again later is `Away`.
"""

import os
from functools import cache
from typing import Any

import stripe
from django.conf import settings
from stripe import RequestsClient, StripeClient

from portal.core.errors import ServiceError

RETRIES = 2


class Away(Exception):
    """Stripe cannot be reached, is busy, or has trouble of its own: the same call may succeed later."""


class StripeRefused(ServiceError):
    """Stripe will not do it; the sentence is its own."""

    code = "stripe-refused"


class NotThere(StripeRefused):
    """Stripe knows no such object."""


def client() -> StripeClient:
    """The client for the account that STRIPE_SECRET_KEY opens. Raises Refused without one."""
    if not settings.STRIPE_SECRET_KEY:
        raise StripeRefused("Stripe is not set up: STRIPE_SECRET_KEY is empty.")
    return _built(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, os.getpid())


def understood(error: stripe.StripeError) -> Exception:
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
