"""Money in figures, as of now: what is worth an alert. As many queries, however many customers there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Max, Min, Q, QuerySet

from billing.models import Account, StripeEvent, Subscription, TrialRequest, Upkeep
from portal.core import clock
from provisioning.models import Instance, Kind

RECENTLY: Final = timedelta(hours=1)


@dataclass(frozen=True)
class MoneyFigures:
    """Times in seconds. A lag is how long the oldest has been due."""

    events_this_hour: int
    event_lag_seconds: float  # from when it happened to when it was taken in, the worst of the last hour
    facts_lag_seconds: float
    facts_failing: int
    upkeep_lag_seconds: float
    upkeep_failing: int
    subscriptions: Mapping[tuple[str, ...], int]  # status
    trials: int
    trials_waiting: int


def money_figures() -> MoneyFigures:
    """The figures of this moment. Six queries."""
    now = clock.now()
    events = StripeEvent.objects.filter(received_at__gt=now - RECENTLY)
    seen = events.aggregate(count=Count("pk"), late=Max(F("received_at") - F("happened_at")))
    facts, upkeep = _due(Account.objects.all(), now), _due(Upkeep.objects.all(), now)
    living = Subscription.objects.exclude(status__in=["canceled", "incomplete_expired"]).order_by()
    statuses = living.values_list("status").annotate(count=Count("pk"))
    return MoneyFigures(
        events_this_hour=seen["count"],
        event_lag_seconds=seen["late"].total_seconds() if seen["late"] else 0.0,
        facts_lag_seconds=facts[0],
        facts_failing=facts[1],
        upkeep_lag_seconds=upkeep[0],
        upkeep_failing=upkeep[1],
        subscriptions={(status,): count for status, count in statuses},
        trials=_trials().count(),
        trials_waiting=TrialRequest.objects.filter(state=TrialRequest.State.WAITING).count(),
    )


def _trials() -> QuerySet[Instance]:
    return Instance.objects.filter(kind=Kind.TRIAL, organization__is_synthetic=False).exclude(status="deleted")


def _due(rows: QuerySet[Any], now: datetime) -> tuple[float, int]:
    """For how long the oldest has been due, and how many fail."""
    found = rows.aggregate(
        since=Min("due_at", filter=Q(due_at__lte=now)), failing=Count("pk", filter=Q(failures__gt=0))
    )
    return (now - found["since"]).total_seconds() if found["since"] else 0.0, found["failing"]
