"""The fleet in figures, as of now: what is worth an alert. A constant number of queries, however large the fleet."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Min, Sum

from portal.core import clock
from provisioning.models import Instance, InstanceStatus, Leak, Operation, Step, Survey
from provisioning.models.operations import LIVE
from provisioning.selectors.surveys import drifted, open_leaks

Figures = Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class FleetFigures:
    """Each figure by its labels, in the order that its name tells; times in seconds."""

    operations: Figures  # kind, status
    oldest_operation_seconds: Figures  # kind, status
    instances: Figures  # status
    drifted_instances: int
    drifting_things: int
    unclear_surveys: Figures  # purpose
    open_leaks: Figures  # kind
    step_lag_seconds: Figures  # queue
    survey_lag_seconds: float


def fleet_figures() -> FleetFigures:
    """The figures of this moment. Seven queries."""
    now = clock.now()
    live = Operation.objects.filter(status__in=LIVE).order_by()
    operations = list(live.values_list("kind", "status").annotate(count=Count("pk"), since=Min("created_at")))
    living = Instance.objects.exclude(status=InstanceStatus.DELETED).order_by()
    drift = drifted().order_by().aggregate(instances=Count("pk"), things=Sum("differing"))
    unclear = Survey.objects.filter(unclear__gt=0).order_by().values_list("purpose").annotate(count=Count("pk"))
    leaks = open_leaks().order_by().values_list("kind").annotate(count=Count("pk"))
    due = Step.objects.filter(due_at__lte=now).order_by().values_list("queue").annotate(since=Min("due_at"))
    survey = Survey.objects.filter(due_at__lte=now).aggregate(since=Min("due_at"))["since"]
    return FleetFigures(
        operations={(kind, status): count for kind, status, count, _ in operations},
        oldest_operation_seconds={(kind, status): (now - at).total_seconds() for kind, status, _, at in operations},
        instances={(status,): count for status, count in living.values_list("status").annotate(count=Count("pk"))},
        drifted_instances=drift["instances"],
        drifting_things=drift["things"] or 0,
        unclear_surveys={(purpose,): count for purpose, count in unclear},
        open_leaks={(str(kind),): 0 for kind in Leak.Kind} | {(kind,): count for kind, count in leaks},
        step_lag_seconds={(queue,): (now - since).total_seconds() for queue, since in due},
        survey_lag_seconds=(now - survey).total_seconds() if survey else 0.0,
    )
