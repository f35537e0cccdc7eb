"""Which operations need a person: those that stopped, and those that live but do not get on."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    IntegerChoices,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)

from portal.core import clock
from portal.core.models import AuditEvent
from provisioning.admin.usual import Usual, usual_by_kind
from provisioning.models import Instance, InstanceStatus, Operation, OperationStatus, Step
from provisioning.models.operations import ACTIVE, LIVE

UNCLAIMED_FOR = timedelta(minutes=2)  # due for so long, and no worker has taken it
QUEUED_FOR = timedelta(minutes=30)
TRIES_IN_A_ROW = 5
HALTED = (OperationStatus.FAILED, OperationStatus.STUCK)
SET_GOING_AGAIN = ("operation.retry", "operation.skip", "operation.undo")


class Rank(IntegerChoices):
    """Why an operation needs a person, the worst first; the last two do not."""

    STUCK = 0, "stuck"
    FAILED = 1, "failed"
    ADRIFT = 2, "adrift"
    LATE = 3, "late"
    STOPPING = 4, "does not stop"
    SLOW = 5, "slow"
    QUEUED = 6, "queued too long"
    UNDER_WAY = 7, "under way"
    PAST = 8, "past"


NEEDS_A_PERSON = [rank for rank in Rank if rank < Rank.UNDER_WAY]


def with_rank(operations: QuerySet[Operation], usual: Mapping[str, Usual] | None = None) -> QuerySet[Operation]:
    """Each has `rank`. `usual` is asked for in a query of its own when it is not given."""
    now = clock.now()
    usual = usual_by_kind() if usual is None else usual
    return operations.alias(slow_if_since=_slow_if_since(usual, now)).annotate(rank=_rank(now))


def needing_attention(usual: Mapping[str, Usual] | None = None) -> QuerySet[Operation]:
    """What needs a person, the worst first, then the oldest; with its instance and its steps at hand."""
    open_ones = with_rank(Operation.objects.filter(status__in=(*HALTED, *LIVE)), usual)
    worst_first = open_ones.filter(rank__in=NEEDS_A_PERSON).order_by("rank", "created_at")  # type: ignore[misc] # annotated
    steps = Prefetch("steps", Step.objects.defer("outputs").order_by("position"))
    return worst_first.select_related("instance__organization").prefetch_related(steps)


def forsaken() -> QuerySet[Instance]:
    """Instances that are not built, and for which nothing is done nor has stopped: nobody would ever notice them."""
    cared_for = Operation.objects.filter(instance=OuterRef("pk"), status__in=LIVE)
    stopped = Operation.objects.filter(_stopped(), instance=OuterRef("pk"))
    pending = Instance.objects.filter(status=InstanceStatus.PENDING)
    return pending.exclude(Exists(cared_for)).exclude(Exists(stopped)).order_by("created_at")


def _rank(now: datetime) -> Case:
    active = Q(status__in=ACTIVE)
    return Case(
        When(_stopped() & Q(status=OperationStatus.STUCK), then=Value(Rank.STUCK)),
        When(_stopped(), then=Value(Rank.FAILED)),
        When(active & ~Q(_moving(now)), then=Value(Rank.ADRIFT)),
        When(active & Q(_late(now)), then=Value(Rank.LATE)),
        When(_does_not_stop(now), then=Value(Rank.STOPPING)),
        When(active & _slow(), then=Value(Rank.SLOW)),
        When(status=OperationStatus.QUEUED, created_at__lt=now - QUEUED_FOR, then=Value(Rank.QUEUED)),
        When(status__in=LIVE, then=Value(Rank.UNDER_WAY)),
        default=Value(Rank.PAST),
        output_field=IntegerField(),
    )


def _stopped() -> Q:
    """Failed or stuck, unless somebody has begun something newer on the instance, or it is gone."""
    newer = Operation.objects.filter(instance=OuterRef("instance"), created_at__gt=OuterRef("created_at"))
    overtaken = Exists(newer.exclude(status=OperationStatus.CANCELLED))
    return Q(status__in=HALTED) & ~Q(instance__status=InstanceStatus.DELETED) & ~Q(overtaken)


def _moving(now: datetime) -> Exists:
    """A step is due some time, or a worker holds one."""
    due_or_held = Q(due_at__isnull=False) | Q(lease_until__gt=now)
    return Exists(Step.objects.filter(due_or_held, operation=OuterRef("pk")))


def _late(now: datetime) -> Exists:
    overdue = Q(due_at__lt=now - UNCLAIMED_FOR) | Q(due_at__isnull=False, deadline_at__lt=now)
    failing = Q(due_at__isnull=False, failures__gte=TRIES_IN_A_ROW)
    return Exists(Step.objects.filter(overdue | failing, operation=OuterRef("pk")))


def _does_not_stop(now: datetime) -> Q:
    """A worker may hold a step for one lease; what still runs later will not stop by itself."""
    patience = timedelta(seconds=settings.ENGINE_LEASE_SECONDS) + UNCLAIMED_FOR
    return Q(status=OperationStatus.RUNNING, cancel_requested_at__lt=now - patience)


def _slow_if_since(usual: Mapping[str, Usual], now: datetime) -> Case:
    limits = (When(kind=kind, then=Value(now - usual[kind].limit)) for kind in usual)
    return Case(*limits, default=None, output_field=DateTimeField(null=True))


def _slow() -> Q:
    """It has run longer than its kind usually does, since its start or since somebody set it going again."""
    again = AuditEvent.objects.filter(
        object_type="operation",
        object_id=OuterRef("pk"),
        action__in=SET_GOING_AGAIN,
        at__gte=OuterRef("slow_if_since"),
    )
    return Q(started_at__lt=F("slow_if_since")) & ~Q(Exists(again))
