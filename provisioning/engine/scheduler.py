"""Finds what is due and wakes workers for it: two indexed queries a beat, however large the idle fleet."""

from collections import defaultdict
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef

from portal.core import clock
from provisioning.engine import gate, lifecycle
from provisioning.engine.wake import calls_waiting, wake
from provisioning.models import Operation, OperationStatus, Step
from provisioning.models.operations import ACTIVE

log = structlog.get_logger(__name__)
AHEAD = timedelta(seconds=1)
WAKES_PER_BEAT = 50
DUE_PER_BEAT = 500
QUEUED_PER_BEAT = 2_000
BEGUN_PER_BEAT = 50


def tick() -> int:
    """Workers are woken for all that is due now or within the next beat; answers how many calls were sent.

    Calls that nobody has taken yet count: more of them would only be in the way.
    """
    begin_waiting()
    now = clock.now()
    soon = Step.objects.filter(due_at__lte=now + AHEAD).order_by("due_at").values_list("queue", "due_at")[:DUE_PER_BEAT]
    due: defaultdict[str, list[datetime | None]] = defaultdict(list)
    for queue, due_at in soon:
        due[queue].append(due_at if due_at and due_at > now else None)
    return sum(_wake(queue, moments[:WAKES_PER_BEAT]) for queue, moments in due.items())


def _wake(queue: str, moments: list[datetime | None]) -> int:
    called = moments[calls_waiting(queue) :]
    for at in called:
        wake(queue, at)
    return len(called)


def begin_waiting() -> int:
    """Queued operations begin, the oldest first, as far as nothing is in their way; answers how many did."""
    same = Operation.objects.filter(instance=OuterRef("instance"), status__in=ACTIVE)
    queued = Operation.objects.filter(~Exists(same), status=OperationStatus.QUEUED).select_related("instance")
    obstacles: dict[tuple[str, str | None], str] = {}
    waiting: defaultdict[str, list[str]] = defaultdict(list)
    begun = 0
    for operation in queued.defer("wanted", "previous").order_by("created_at", "pk")[:QUEUED_PER_BEAT]:
        bucket = gate.bucket_of(operation)
        if why := obstacles.get(bucket):
            waiting[why].append(operation.pk)
        elif begun < BEGUN_PER_BEAT:
            begun += _begin(operation, obstacles)
    for why, ids in waiting.items():
        Operation.objects.filter(pk__in=ids, status=OperationStatus.QUEUED).exclude(waiting_for=why).update(
            waiting_for=why
        )
    return begun


def _begin(operation: Operation, obstacles: dict[tuple[str, str | None], str]) -> bool:
    """Whether it runs. An obstacle that others of its bucket meet too is remembered for this beat.

    One that cannot even be begun stays queued, and is for the desk; the others begin all the same.
    """
    try:
        with transaction.atomic():
            obstacle = lifecycle.start_next(operation.instance_id)
    except OperationalError:
        raise  # it is the database that is away
    except Exception:
        log.exception("this operation could not be begun", operation=operation.pk)
        return False
    if obstacle and obstacle.is_shared:
        obstacles[gate.bucket_of(operation)] = obstacle.why
    return obstacle is None
