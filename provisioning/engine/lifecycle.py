"""What follows from what: given the states of an operation's steps, what is due next and how the operation stands.

`settle` is called in every transaction that changed something, with the operation locked; nothing else opens steps or
ends operations. It is a function of the rows alone, so that calling it once too often changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from portal.core import clock
from portal.core.audit import record
from provisioning.engine import gate, graph
from provisioning.engine.wake import wake_on_commit
from provisioning.models import Operation, OperationStatus, Step, StepStatus
from provisioning.models.operations import ACTIVE
from provisioning.signals import operation_finished

SETTLED_BACK = {StepStatus.UNDONE, StepStatus.SKIPPED}
# What of an operation goes on, as one statement over its steps as they stand: with none failed, whatever waits for
# nothing any more becomes due. Answers how many are left, how many of them have failed, and the queues of the opened.
GO_ON = """
WITH unsettled AS MATERIALIZED (
    SELECT id, name, status, due_at, needs FROM provisioning_step
    WHERE operation_id = %(operation)s AND status NOT IN ('done', 'skipped')
), opened AS (
    UPDATE provisioning_step AS step SET due_at = %(now)s
    FROM unsettled AS own
    WHERE step.id = own.id AND own.status = 'pending' AND own.due_at IS NULL
        AND NOT EXISTS (SELECT FROM unsettled AS need WHERE need.name = ANY (own.needs))
        AND NOT EXISTS (SELECT FROM unsettled AS other WHERE other.status = 'failed')
    RETURNING step.queue
)
SELECT (SELECT count(*) FROM unsettled), (SELECT count(*) FROM unsettled WHERE status = 'failed'),
    ARRAY(SELECT queue FROM opened)
"""
FORWARD, BACK = Step.Direction.FORWARD, Step.Direction.BACK


def lock(operation_id: str) -> Operation:
    """The operation, locked until the transaction ends: whoever writes its steps, but for a claim, locks it first."""
    return Operation.objects.select_for_update().defer("wanted", "previous").get(pk=operation_id)


def steps_of(operation: Operation) -> list[Step]:
    """The steps of a locked operation, locked too. Claims skip locked steps, so nobody slips in."""
    return list(operation.steps.select_for_update().defer("outputs").order_by("position"))


@dataclass(frozen=True)
class Obstacle:
    """What an operation waits for. `is_shared` if others of its bucket meet it too, and not only its own instance."""

    why: str
    is_shared: bool


def start_next(instance_id: str) -> Obstacle | None:
    """A queued operation of the instance runs, or says what it waits for. Call it inside a transaction.

    Answers what is in its way; None when it runs, or when none is queued. It also waits for workers that still hold
    steps of an operation that has ended: what they are just making would appear behind the back of a teardown. Their
    report, or their lease's end, calls this again.
    """
    queued = Operation.objects.filter(instance_id=instance_id, status=OperationStatus.QUEUED).first()
    if queued is None:
        return None
    operation = lock(queued.pk)
    if operation.status != OperationStatus.QUEUED:
        return None  # somebody was quicker
    gate.take_turns()
    if obstacle := _before_it(operation):
        if operation.waiting_for != obstacle.why:
            operation.waiting_for = obstacle.why
            operation.save(update_fields=["waiting_for"])
        return obstacle
    operation.status, operation.waiting_for = OperationStatus.RUNNING, ""
    operation.started_at = clock.now()
    operation.save(update_fields=["status", "waiting_for", "started_at"])
    settle(operation)
    return None


def _before_it(operation: Operation) -> Obstacle | None:
    """What of the instance's own has to end first, or else what the gate has against it."""
    same = Operation.objects.filter(instance_id=operation.instance_id, status__in=ACTIVE)
    if active := same.values_list("kind", flat=True).first():
        return Obstacle(f"the {active} of this instance to end", is_shared=False)
    held = Step.objects.filter(operation__instance_id=operation.instance_id, lease_until__gt=clock.now())
    if held.exists():
        return Obstacle("a worker to let go of the operation before", is_shared=False)
    why = gate.obstacle(operation)
    return Obstacle(why, is_shared=True) if why else None


def settle(operation: Operation) -> None:
    """Opens what can go on, ends what is at its end. The operation is locked; its steps are read as they stand."""
    now = clock.now()
    if operation.status == OperationStatus.RUNNING and operation.cancel_requested_at:
        _stop(operation, now)
    elif operation.status == OperationStatus.RUNNING:
        _go_on(operation, now)
    elif operation.status == OperationStatus.UNDOING:
        _go_back(operation, now)
    else:
        _park(steps_of(operation), now)
        start_next(operation.instance_id)


def _go_on(operation: Operation, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(GO_ON, {"operation": operation.pk, "now": now})
        left, failed, queues = cursor.fetchone()
    if failed:
        _fail(operation, now)
    elif not left:
        graph.workflow_of(operation.kind).succeeded(operation)
        _end(operation, OperationStatus.SUCCEEDED, now)
    elif queues:
        wake_on_commit(*queues)


def _fail(operation: Operation, now: datetime) -> None:
    steps = steps_of(operation)
    operation.error = next(step.error for step in steps if step.status == StepStatus.FAILED)
    if _goes_back(operation, steps):
        _turn_round(operation, now)
    else:
        _park(steps, now)
        _end(operation, OperationStatus.FAILED, now)


def _goes_back(operation: Operation, steps: Iterable[Step]) -> bool:
    """Whether it takes itself back: its kind does, and it has not gone too far for that."""
    workflow = graph.workflow_of(operation.kind)
    if workflow.on_failure is not graph.OnFailure.UNDO:
        return False
    begun = {step.name for step in steps if step.started_at and step.status != StepStatus.SKIPPED}
    return not any(node.name in begun and node.point_of_no_return(operation) for node in workflow.nodes)


def _stop(operation: Operation, now: datetime) -> None:
    steps = steps_of(operation)
    _park(steps, now)
    if any(is_leased(step, now) for step in steps):
        return  # it stops at the next step border; that step's record settles again
    if _goes_back(operation, steps):
        _turn_round(operation, now)
    elif graph.workflow_of(operation.kind).on_failure is graph.OnFailure.UNDO:
        operation.error = "It was stopped past the point from which it goes back by itself. Retry it, or undo it."
        _end(operation, OperationStatus.FAILED, now)
    else:
        _end(operation, OperationStatus.CANCELLED, now)


def _turn_round(operation: Operation, now: datetime) -> None:
    operation.status = OperationStatus.UNDOING
    operation.save(update_fields=["status", "error"])
    _go_back(operation, now)


def _go_back(operation: Operation, now: datetime) -> None:
    steps = steps_of(operation)
    for step in steps:
        if step.direction == FORWARD and not is_leased(step, now):
            _turn_back(step)
    if failed := [step for step in steps if step.direction == BACK and step.status == StepStatus.FAILED]:
        operation.error = f"{operation.error}\nUndoing “{failed[0].name}” failed: {failed[0].error}".strip()
        _park(steps, now)
        _end(operation, OperationStatus.STUCK, now)
        return
    if all(step.direction == BACK and step.status in SETTLED_BACK for step in steps):
        graph.workflow_of(operation.kind).undone(operation)
        _end(operation, OperationStatus.UNDONE, now)
        return
    held = {need for s in steps if s.direction == FORWARD or s.status not in SETTLED_BACK for need in s.needs}
    ready = (s for s in steps if s.direction == BACK and s.status == StepStatus.PENDING and s.name not in held)
    _open((step for step in ready if step.due_at is None), now)


def _turn_back(step: Step) -> None:
    """Whoever held it longer than its lease has lost it now, claimed again or not."""
    begun = step.started_at is not None and step.status != StepStatus.SKIPPED
    step.direction = BACK
    step.status = StepStatus.PENDING if begun else StepStatus.SKIPPED
    step.due_at = step.deadline_at = step.finished_at = None
    step.failures = 0
    step.waiting_for = ""
    step.lease_token += 1
    step.save()


def _open(steps: Iterable[Step], now: datetime) -> None:
    opened = list(steps)
    for step in opened:
        step.due_at = now
    if opened:
        Step.objects.filter(pk__in=[step.pk for step in opened]).update(due_at=now)
        wake_on_commit(*(step.queue for step in opened))


def _park(steps: Iterable[Step], now: datetime) -> None:
    for step in steps:
        if is_leased(step, now) or (
            step.due_at is None and step.status not in {StepStatus.RUNNING, StepStatus.WAITING}
        ):
            continue
        step.due_at = None
        step.lease_token += 1  # whoever held it longer than its lease has lost it now
        if step.status in {StepStatus.RUNNING, StepStatus.WAITING}:
            step.status = StepStatus.PENDING
        step.save(update_fields=["due_at", "status", "lease_token"])


def is_leased(step: Step, now: datetime) -> bool:
    return step.lease_until is not None and step.lease_until > now


def _end(operation: Operation, status: OperationStatus, now: datetime) -> None:
    operation.status = status
    operation.finished_at = now
    operation.save(update_fields=["status", "finished_at", "error"])
    record(
        f"operation.{status}",
        operation,
        organization_id=operation.instance.organization_id,
        actor_label="engine",
        details={"kind": operation.kind, "instance": operation.instance_id, "error": operation.error},
    )
    operation_finished.send(sender=Operation, operation=operation)
    start_next(operation.instance_id)
