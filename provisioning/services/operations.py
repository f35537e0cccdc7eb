"""Operations are asked for, cancelled and set going again. Only the engine moves them on."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from structlog.contextvars import get_contextvars

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.tracing import traceparent
from provisioning.engine import graph, lifecycle
from provisioning.engine.wake import wake_on_commit
from provisioning.models import Instance, Operation, OperationStatus, Step, StepStatus
from provisioning.models.operations import LIVE
from provisioning.spec import InstanceSpec, spec_of

HALTED = (OperationStatus.FAILED, OperationStatus.STUCK)


def operation_request(
    *,
    instance: Instance,
    kind: str,
    actor: Actor,
    reason: str = "",
    wanted: InstanceSpec | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Operation:
    """The operation stands with its steps and runs, or is queued behind the active one. Raises Conflict when one waits.

    `wanted` is the spec the instance is to have; without one it keeps what it has. `inputs` is what the kind needs
    beyond that, as JSON.
    """
    now_is = spec_of(instance)
    with transaction.atomic():
        try:
            with transaction.atomic():
                operation = Operation.objects.create(
                    instance=instance,
                    kind=kind,
                    wanted=(wanted or now_is).as_json(),
                    previous=now_is.as_json(),
                    inputs=dict(inputs or {}),
                    requested_by=actor.user,
                    reason=reason,
                    traceparent=traceparent(),
                    request_id=str(get_contextvars().get("request_id", ""))[:64],
                )
        except IntegrityError:
            raise _in_the_way(instance) from None
        _lay_out(operation, instance.tenancy)
        _record("operation.request", operation, actor, reason)
        lifecycle.start_next(instance.pk)
    operation.refresh_from_db()
    return operation


def _lay_out(operation: Operation, tenancy: str) -> None:
    """Its steps stand as its kind's workflow has them."""
    nodes = graph.workflow_of(operation.kind).for_tenancy(tenancy)
    Step.objects.bulk_create(
        Step(operation=operation, name=node.name, position=position, needs=list(node.needs), queue=node.action.queue)
        for position, node in enumerate(nodes)
    )


def operation_cancel(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """It stops at the next step border. Cancelling what is already at its end is a Conflict."""
    with transaction.atomic():
        locked = lifecycle.lock(operation.pk)
        if locked.status == OperationStatus.QUEUED:
            locked.status, locked.finished_at = OperationStatus.CANCELLED, clock.now()
        elif locked.status == OperationStatus.RUNNING:
            locked.cancel_requested_at = locked.cancel_requested_at or clock.now()
        else:
            raise Conflict(f"This operation is {locked.status}; there is nothing to cancel.")
        locked.save(update_fields=["status", "finished_at", "cancel_requested_at"])
        _record("operation.cancel", locked, actor, reason)
        lifecycle.settle(locked)
    return locked


def operation_retry(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """What failed is tried again, with a fresh deadline; what was done stays done."""
    with transaction.atomic():
        locked, steps = _lock_halted(operation)
        for step in _failed(steps):
            step.status = StepStatus.PENDING
            step.generation += 1
            _clean(step)
        return _set_going(locked, steps, actor, "operation.retry", reason)


def operation_skip(*, operation: Operation, step_name: str, actor: Actor, reason: str) -> Operation:
    """The failed step counts as done, on somebody's word that it is; the rest goes on. A reason is required."""
    if not reason.strip():
        raise Invalid("Say why the step may be skipped.", field="reason")
    with transaction.atomic():
        locked, steps = _lock_halted(operation)
        step = next((step for step in _failed(steps) if step.name == step_name), None)
        if step is None:
            raise Invalid(f"“{step_name}” has not failed; only a failed step can be skipped.", field="step")
        step.status = StepStatus.SKIPPED
        _clean(step)
        return _set_going(locked, steps, actor, "operation.skip", reason, {"step": step_name})


def operation_undo(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """What the operation did is taken back, in reverse."""
    with transaction.atomic():
        locked, steps = _lock_halted(operation)
        for step in _failed(steps):
            step.status = StepStatus.PENDING
            _clean(step)
        return _set_going(locked, steps, actor, "operation.undo", reason, back=True)


def operation_nudge(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """What waits is looked at now, and what should follow is open. It changes nothing of what is to be done."""
    with transaction.atomic():
        locked = lifecycle.lock(operation.pk)
        if not locked.is_live:
            raise Conflict(f"This operation is {locked.status}; there is nothing to nudge.")
        now = clock.now()
        for step in lifecycle.steps_of(locked):
            if step.due_at and step.due_at > now and not lifecycle.is_leased(step, now):
                step.due_at = now
                step.save(update_fields=["due_at"])
                wake_on_commit(step.queue)
        _record("operation.nudge", locked, actor, reason)
        if locked.status == OperationStatus.QUEUED:
            lifecycle.start_next(locked.instance_id)
        else:
            lifecycle.settle(locked)
    locked.refresh_from_db()
    return locked


def _lock_halted(operation: Operation) -> tuple[Operation, list[Step]]:
    locked = lifecycle.lock(operation.pk)
    if locked.status not in HALTED:
        raise Conflict(f"This operation is {locked.status}; only a failed or stuck one can be set going again.")
    newer = Operation.objects.filter(instance_id=locked.instance_id, created_at__gt=locked.created_at)
    if later := newer.exclude(started_at=None).first():
        raise Conflict(f"Another {later.kind} has begun since. Begin a new operation instead.")
    return locked, lifecycle.steps_of(locked)


def _failed(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.status == StepStatus.FAILED]


def _clean(step: Step) -> None:
    step.failures, step.deadline_at, step.finished_at, step.error = 0, None, None, ""
    step.save()


def _set_going(
    operation: Operation,
    steps: list[Step],
    actor: Actor,
    action: str,
    reason: str,
    details: dict[str, str] | None = None,
    *,
    back: bool = False,
) -> Operation:
    was_undoing = any(step.direction == Step.Direction.BACK for step in steps)
    operation.status = OperationStatus.UNDOING if back or was_undoing else OperationStatus.RUNNING
    operation.finished_at, operation.error, operation.cancel_requested_at = None, "", None
    try:
        with transaction.atomic():
            operation.save(update_fields=["status", "finished_at", "error", "cancel_requested_at"])
    except IntegrityError:
        raise _in_the_way(operation.instance) from None
    _record(action, operation, actor, reason, details)
    lifecycle.settle(operation)
    return operation


def _in_the_way(instance: Instance) -> Conflict:
    live = Operation.objects.filter(instance=instance, status__in=LIVE).order_by("-status").first()
    name = f"{live.kind} ({live.status})" if live else "another operation"
    return Conflict(f"{name} is already under way on this instance. Wait for it to end, or cancel it.")


def _record(
    action: str, operation: Operation, actor: Actor, reason: str, details: dict[str, str] | None = None
) -> None:
    record(
        action,
        operation,
        organization_id=operation.instance.organization_id,
        actor=actor,
        reason=reason,
        details={"kind": operation.kind, "instance": operation.instance_id, **(details or {})},
    )
