"""Subscriptions and invoices, as Stripe last told them, for the pages of whoever has them."""

from collections.abc import Iterable

from billing.models import Invoice, Subscription
from billing.terms.standing import PAID_FOR
from portal.core.models import Organization
from provisioning.models import Instance

SHOWN = 12


def subscription_of(instance: Instance, *beside: str) -> Subscription | None:
    """The subscription that is paid for the instance, with its items and what else is named; None without one."""
    rows = instance.subscriptions.filter(status__in=PAID_FOR)
    wanted = ("items__price__plan", "items__price__feature", *beside)
    return rows.prefetch_related(*wanted).order_by("-created_at").first()


def paid_for(subscriptions: Iterable[Subscription]) -> Subscription | None:
    """Of an instance's subscriptions, the newest first, the one that is paid for it; None without one. No query."""
    return next((each for each in subscriptions if each.status in PAID_FOR), None)


def invoices_of(organization: Organization) -> list[Invoice]:
    """The newest invoices of the organization, but drafts."""
    return list(Invoice.objects.filter(account=organization.pk).exclude(status="draft")[:SHOWN])
