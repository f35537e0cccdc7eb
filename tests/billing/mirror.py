"""What the portal knows of the outside, as if it had been told: subscriptions, and that operations have ended."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F

from billing.models import Account, Subscription
from billing.services.facts import accounts_ask, accounts_go_on
from portal.core import clock
from provisioning.engine import graph
from provisioning.models import Instance, Operation
from provisioning.signals import operation_finished

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


def again() -> Subscription:
    """The one subscription as Stripe has it now, with its items at hand."""
    accounts_ask(Account.objects.all())
    accounts_go_on()
    return Subscription.objects.prefetch_related("items__price__plan", "items__price__feature").get()


def end(status: str = "succeeded") -> Operation:
    """The operation under way has ended so. Where the clock stands still, the next one is later."""
    operation = Operation.objects.get(status="running")
    operation.status, operation.finished_at = status, clock.now()
    operation.save()
    Operation.objects.update(created_at=F("created_at") - timedelta(seconds=1))
    if status == "succeeded":
        graph.workflow_of(operation.kind).succeeded(operation)
    operation_finished.send(sender=Operation, operation=operation)
    return operation
