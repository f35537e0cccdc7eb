"""Where instances stand by what is known of their money."""

from datetime import datetime, timedelta

from django.conf import settings

from billing.models import Subscription, SubscriptionStatus
from billing.terms.standing import Paid, Periods, Standing, standing
from provisioning.models import Instance


def standing_of(instance: Instance, now: datetime) -> Standing:
    """Where the instance stands at that moment. One query."""
    paid = [_paid(row) for row in instance.subscriptions.all()]
    return standing(instance.kind, instance.trial_ends_at, paid, periods(), now)


def periods() -> Periods:
    """As they are set."""
    return Periods(
        grace=timedelta(days=settings.GRACE_DAYS),
        trial_kept=timedelta(days=settings.TRIAL_KEPT_DAYS),
        subscription_kept=timedelta(days=settings.SUBSCRIPTION_KEPT_DAYS),
    )


def _paid(row: Subscription) -> Paid:
    return Paid(SubscriptionStatus(row.status), row.unpaid_since, row.cancel_at, row.ended_at)
