"""Which operations need a person: those that stopped, and those that live but do not get on."""

from datetime import timedelta

from django.db.models import Case, Exists, IntegerField, OuterRef, Prefetch, Q, QuerySet, Value, When

from portal.core import clock
from provisioning.models import InstanceStatus, Operation, OperationStatus, Step
from provisioning.models.operations import LIVE

UNCLAIMED_FOR = timedelta(minutes=2)  # due for so long, and no worker has taken it
TRIES_IN_A_ROW = 5
STOPPED, LATE, UNDER_WAY, PAST = range(4)
HALTED = (OperationStatus.FAILED, OperationStatus.STUCK)


def with_rank(operations: QuerySet[Operation]) -> QuerySet[Operation]:
    """Each has `rank`: STOPPED and LATE need a person, UNDER_WAY and PAST do not."""
    return operations.annotate(rank=_rank())


def needing_attention() -> QuerySet[Operation]:
    """What needs a person, the worst first, then the oldest."""
    open_ones = Operation.objects.filter(status__in=(*HALTED, *LIVE)).annotate(rank=_rank())
    worst_first = open_ones.filter(rank__in=(STOPPED, LATE)).order_by("rank", "created_at")
    failing = Prefetch("steps", Step.objects.exclude(error=""), to_attr="failing_steps")
    return worst_first.select_related("instance__organization").prefetch_related(failing)


def _rank() -> Case:
    return Case(
        When(_stopped(), then=Value(STOPPED)),
        When(Q(status__in=LIVE) & _late(), then=Value(LATE)),
        When(status__in=LIVE, then=Value(UNDER_WAY)),
        default=Value(PAST),
        output_field=IntegerField(),
    )


def _stopped() -> Q:
    """Failed or stuck, unless somebody has begun something newer on the instance, or it is gone."""
    newer = Operation.objects.filter(instance=OuterRef("instance"), created_at__gt=OuterRef("created_at"))
    overtaken = Exists(newer.exclude(status=OperationStatus.CANCELLED))
    return Q(status__in=HALTED) & ~Q(instance__status=InstanceStatus.DELETED) & ~Q(overtaken)


def _late() -> Q:
    now = clock.now()
    overdue = Q(due_at__lt=now - UNCLAIMED_FOR) | Q(due_at__isnull=False, deadline_at__lt=now)
    failing = Q(due_at__isnull=False, failures__gte=TRIES_IN_A_ROW)
    return Q(Exists(Step.objects.filter(operation=OuterRef("pk")).filter(overdue | failing)))
