"""Subscriptions as if Stripe had told of them, for tests of what follows from that."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from billing.models import Account, Subscription
from portal.core import clock
from provisioning.models import Instance

ENDS = datetime(2027, 1, 1, tzinfo=UTC)


def subscribe(
    instance: Instance, wanted: Mapping[str, int] | None = None, status: str = "active", **fields: Any
) -> Subscription:
    """The instance has a subscription to so many of each of our prices, by lookup key; it is paid until ENDS."""
    account, _ = Account.objects.get_or_create(organization=instance.organization, stripe_id="cus_1")
    usual = {
        "collection": "charge_automatically",
        "currency": "usd",
        "interval": "month",
        "period_ends_at": ENDS,
        "created_at": clock.now(),
    }
    subscription = Subscription.objects.create(
        stripe_id="sub_1", account=account, instance=instance, status=status, **usual | fields
    )
    for number, (price, quantity) in enumerate((wanted or {}).items()):
        subscription.items.create(stripe_id=f"si_{number}", price_id=price, quantity=quantity)
    return subscription
