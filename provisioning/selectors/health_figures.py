"""Reliability, alerts and durations in figures, as of now. A constant number of queries, however large the fleet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Avg, Count, F, Max, Min, QuerySet

from portal.core import clock
from portal.core.models import Mail
from provisioning.clients.google import breaker
from provisioning.models import Alert, AlertRule, Notice, Operation, Step
from provisioning.selectors.figures import Figures, none_of
from provisioning.selectors.health import state_counts
from provisioning.selectors.reliability import fleet_reliability

RECENTLY: Final = timedelta(hours=1)


@dataclass(frozen=True)
class HealthFigures:
    """Each figure by its labels, in the order that its name tells; times in seconds, shares from 0 to 1."""

    instances: Figures  # state of health, of those that stand
    open_alerts: Figures  # severity
    notice_lag_seconds: float
    mail_lag_seconds: float
    month_share: Figures  # no label; none where nobody looked
    budget_left: float
    burn: Figures  # hours of the window
    step_seconds: Figures  # step, mean or max; of steps that ended within the last hour
    operation_seconds: Figures  # kind, mean or max; of operations that ended within the last hour
    operations_ended: Figures  # kind, status; within the last hour
    google_calls: Figures  # service, outcome; within the breaker's window


def health_figures() -> HealthFigures:
    """The figures of this moment. Eleven queries."""
    now = clock.now()
    reliability = fleet_reliability()
    share = reliability.month.share
    ended = Operation.objects.filter(finished_at__gt=now - RECENTLY).order_by()
    outcomes = ended.values_list("kind", "status").annotate(count=Count("pk"))
    return HealthFigures(
        instances={(state,): count for state, count in state_counts().items()},
        open_alerts=_open_alerts(),
        notice_lag_seconds=_lag(Notice.objects.filter(sent_at=None).aggregate(since=Min("created_at"))["since"]),
        mail_lag_seconds=_lag(Mail.objects.filter(sent_at=None).aggregate(since=Min("created_at"))["since"]),
        month_share={} if share is None else {(): share},
        budget_left=reliability.left,
        burn={(str(hours),): rate for hours, rate in reliability.burns.items()},
        step_seconds=_durations(Step.objects.filter(finished_at__gt=now - RECENTLY), "name"),
        operation_seconds=_durations(ended, "kind"),
        operations_ended={(kind, status): count for kind, status, count in outcomes},
        google_calls=breaker.recent_calls(),
    )


def _open_alerts() -> Figures:
    found = Alert.objects.filter(opened_at__isnull=False, resolved_at=None).order_by()
    counts = found.values_list("rule__severity").annotate(count=Count("pk"))
    return none_of(AlertRule.Severity) | {(severity,): count for severity, count in counts}


def _durations(rows: QuerySet[Step] | QuerySet[Operation], by: str) -> Figures:
    """Mean and longest, of what has begun at all."""
    took = F("finished_at") - F("started_at")
    begun = rows.filter(started_at__isnull=False).order_by().values_list(by)
    found = begun.annotate(mean=Avg(took), most=Max(took))
    pairs = (((name, "mean"), mean) for name, mean, _most in found), (((name, "max"), most) for name, _, most in found)
    return {labels: figure.total_seconds() for pair in pairs for labels, figure in pair}


def _lag(since: datetime | None) -> float:
    return (clock.now() - since).total_seconds() if since else 0.0
