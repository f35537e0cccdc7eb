"""Stripe is set up for the portal: where it tells of events, and what customers may do on its own pages."""

from typing import Any, Final

from billing.clients.stripe import API_VERSION, HEARD, asking
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
    secret = _endpoint(address)
    _portal()
    record("stripe.connect", "stripe", actor=actor, details={"address": address, "is_new": bool(secret)})
    return secret


def _endpoint(address: str) -> str:
    wanted: Any = {"url": address, "enabled_events": list(HEARD), "metadata": OURS}
    with asking() as api:
        for found in api.webhook_endpoints.list({"limit": 100}).auto_paging_iter():
            if found.to_dict()["metadata"].items() >= OURS.items():
                api.webhook_endpoints.update(found.id, wanted)
                return ""
        new: Any = {**wanted, "api_version": API_VERSION}
        return str(api.webhook_endpoints.create(new).secret)


def _portal() -> None:
    wanted: Any = {"features": ON_STRIPES_PAGE}
    with asking() as api:
        configurations = api.billing_portal.configurations
        known = configurations.list({"limit": 100}).auto_paging_iter()
        if default := next((each for each in known if each.is_default), None):
            configurations.update(default.id, wanted)
        else:
            configurations.create(wanted)
