"""Where instances stand by what is known of their money."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from billing.models import Subscription, SubscriptionStatus, Upkeep
from billing.terms.standing import Paid, Periods, Standing, State, standing
from portal.core.models import Organization
from provisioning.models import Instance, InstanceStatus


def standing_of(instance: Instance, now: datetime) -> Standing:
    """Where the instance stands at that moment. One query."""
    paid = [_paid(row) for row in instance.subscriptions.all()]
    return standing(instance.kind, instance.trial_ends_at, paid, periods(), now)


def unpaid_of(organization: Organization) -> Upkeep | None:
    """Of the organization's instances the one that is suspended first, or is so already, for want of a payment."""
    rows = Upkeep.objects.filter(instance__organization=organization, state__in=[State.GRACE, State.UNPAID])
    living = rows.exclude(instance__status=InstanceStatus.DELETED)
    return living.select_related("instance").order_by(F("until").asc(nulls_first=True)).first()


def periods() -> Periods:
    """As they are set."""
    return Periods(
        grace=timedelta(days=settings.GRACE_DAYS),
        trial_kept=timedelta(days=settings.TRIAL_KEPT_DAYS),
        subscription_kept=timedelta(days=settings.SUBSCRIPTION_KEPT_DAYS),
    )


def _paid(row: Subscription) -> Paid:
    return Paid(SubscriptionStatus(row.status), row.unpaid_since, row.cancel_at, row.ended_at)
