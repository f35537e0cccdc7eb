"""What follows from what: given the states of an operation's steps, what is due next and how the operation stands.

`settle` is called in every transaction that changed something, with the operation and its steps locked; nothing else
opens steps or ends operations. It is a function of the rows alone, so that calling it once too often changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from portal.core import clock
from portal.core.audit import record
from provisioning.engine import graph
from provisioning.engine.wake import wake_on_commit
from provisioning.models import Operation, OperationStatus, Step, StepStatus
from provisioning.models.operations import ACTIVE
from provisioning.signals import operation_finished

SETTLED_FORWARD = {StepStatus.DONE, StepStatus.SKIPPED}
SETTLED_BACK = {StepStatus.UNDONE, StepStatus.SKIPPED}
FORWARD, BACK = Step.Direction.FORWARD, Step.Direction.BACK


def lock(operation_id: str) -> tuple[Operation, list[Step]]:
    """The operation and its steps, locked until the transaction ends. Claims skip locked steps, so nobody slips in."""
    operation = Operation.objects.select_for_update().get(pk=operation_id)
    return operation, list(operation.steps.select_for_update().order_by("position"))


def start_next(instance_id: str) -> None:
    """A queued operation of the instance runs, if no other is active. Call it inside a transaction.

    It also waits for workers that still hold steps of an operation that has ended: what they are just making would
    appear behind the back of a teardown. Their report, or their lease's end, calls this again.
    """
    if Operation.objects.filter(instance_id=instance_id, status__in=ACTIVE).exists():
        return
    if Step.objects.filter(operation__instance_id=instance_id, lease_until__gt=clock.now()).exists():
        return
    queued = Operation.objects.filter(instance_id=instance_id, status=OperationStatus.QUEUED).first()
    if queued is None:
        return
    operation, steps = lock(queued.pk)
    operation.status = OperationStatus.RUNNING
    operation.started_at = clock.now()
    operation.save(update_fields=["status", "started_at"])
    settle(operation, steps)


def settle(operation: Operation, steps: Sequence[Step]) -> None:
    """Opens what can go on, ends what is at its end."""
    now = clock.now()
    if operation.status == OperationStatus.RUNNING and operation.cancel_requested_at:
        _stop(operation, steps, now)
    elif operation.status == OperationStatus.RUNNING:
        _go_on(operation, steps, now)
    elif operation.status == OperationStatus.UNDOING:
        _go_back(operation, steps, now)
    else:
        _park(steps, now)
        start_next(operation.instance_id)


def _go_on(operation: Operation, steps: Sequence[Step], now: datetime) -> None:
    if failed := [step for step in steps if step.status == StepStatus.FAILED]:
        operation.error = failed[0].error
        _fail(operation, steps, now)
        return
    settled = {step.name for step in steps if step.status in SETTLED_FORWARD}
    if len(settled) == len(steps):
        graph.workflow_of(operation.kind).succeeded(operation)
        _end(operation, OperationStatus.SUCCEEDED, now)
        return
    _open(
        (s for s in steps if s.status == StepStatus.PENDING and s.due_at is None and settled.issuperset(s.needs)), now
    )


def _fail(operation: Operation, steps: Sequence[Step], now: datetime) -> None:
    if graph.workflow_of(operation.kind).on_failure is graph.OnFailure.UNDO:
        operation.status = OperationStatus.UNDOING
        operation.save(update_fields=["status", "error"])
        _go_back(operation, steps, now)
    else:
        _park(steps, now)
        _end(operation, OperationStatus.FAILED, now)


def _stop(operation: Operation, steps: Sequence[Step], now: datetime) -> None:
    _park(steps, now)
    if any(_is_leased(step, now) for step in steps):
        return  # it stops at the next step border; that step's record settles again
    if graph.workflow_of(operation.kind).on_failure is graph.OnFailure.UNDO:
        operation.status = OperationStatus.UNDOING
        operation.save(update_fields=["status"])
        _go_back(operation, steps, now)
    else:
        _end(operation, OperationStatus.CANCELLED, now)


def _go_back(operation: Operation, steps: Sequence[Step], now: datetime) -> None:
    for step in steps:
        if step.direction == FORWARD and not _is_leased(step, now):
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
    begun = step.started_at is not None and step.status != StepStatus.SKIPPED
    step.direction = BACK
    step.status = StepStatus.PENDING if begun else StepStatus.SKIPPED
    step.due_at = step.deadline_at = step.finished_at = None
    step.failures = 0
    step.waiting_for = ""
    step.save()


def _open(steps: Iterable[Step], now: datetime) -> None:
    for step in steps:
        step.due_at = now
        step.save(update_fields=["due_at"])
        wake_on_commit(step.queue)


def _park(steps: Iterable[Step], now: datetime) -> None:
    for step in steps:
        if _is_leased(step, now) or (
            step.due_at is None and step.status not in {StepStatus.RUNNING, StepStatus.WAITING}
        ):
            continue
        step.due_at = None
        if step.status in {StepStatus.RUNNING, StepStatus.WAITING}:
            step.status = StepStatus.PENDING
        step.save(update_fields=["due_at", "status"])


def _is_leased(step: Step, now: datetime) -> bool:
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
