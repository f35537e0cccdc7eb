"""Stripe is set up for the portal: where it tells of events, and what customers may do on its own pages."""

from typing import Any, Final

import stripe

from billing.clients.stripe import HEARD, client, understood
from billing.models import Sync
from portal.core.audit import Actor, record

OURS: Final = {"portal": "managed-sourcegraph"}
# Seats, plans and ends are changed in the portal, where it is known what they mean for the instance.
ON_STRIPES_PAGE: Final[dict[str, Any]] = {
    "customer_update": {"enabled": True, "allowed_updates": ["address", "email", "name", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": False},
    "subscription_update": {"enabled": False},
}


def stripe_connect(*, address: str, actor: Actor) -> str:
    """Stripe tells of events at `address`, and its billing portal is as we want it. May run any number of times.

    Answers the signing secret where the endpoint is new: Stripe tells it only then. Raises Away or StripeRefused.
    """
    try:
        secret = _endpoint(address)
        _portal()
    except stripe.StripeError as error:
        raise understood(error) from error
    run = Sync(kind=Sync.Kind.ACCOUNTS)
    record("stripe.connect", run, actor=actor, details={"address": address, "is_new": bool(secret)})
    return secret


def _endpoint(address: str) -> str:
    endpoints = client().v1.webhook_endpoints
    wanted: Any = {"url": address, "enabled_events": list(HEARD), "metadata": OURS}
    for found in endpoints.list({"limit": 100}).auto_paging_iter():
        if found.to_dict()["metadata"].items() >= OURS.items():
            endpoints.update(found.id, wanted)
            return ""
    new: Any = {**wanted, "api_version": stripe.api_version}
    return str(endpoints.create(new).secret)


def _portal() -> None:
    configurations = client().v1.billing_portal.configurations
    default = next((each for each in configurations.list({"limit": 100}).auto_paging_iter() if each.is_default), None)
    wanted: Any = {"features": ON_STRIPES_PAGE}
    if default:
        configurations.update(default.id, wanted)
    else:
        configurations.create(wanted)
