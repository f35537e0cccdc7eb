"""Subscriptions and invoices, as Stripe last told them, for the pages of whoever has them."""

from billing.models import Invoice, Subscription
from billing.terms.standing import PAID_FOR
from portal.core.models import Organization
from provisioning.models import Instance

SHOWN = 12


def subscription_of(instance: Instance) -> Subscription | None:
    """The subscription that is paid for the instance, with its items; None without one. Two queries."""
    rows = instance.subscriptions.filter(status__in=PAID_FOR)
    return rows.prefetch_related("items__price__plan", "items__price__feature").order_by("-created_at").first()


def invoices_of(organization: Organization) -> list[Invoice]:
    """The newest invoices of the organization, but drafts."""
    return list(Invoice.objects.filter(account=organization.pk).exclude(status="draft")[:SHOWN])
