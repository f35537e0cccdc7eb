"""What came of it: read from the portal's database and from devcloud, once everything stands still."""

from collections.abc import Iterable
from typing import Any

from portal.core.models import AuditEvent
from provisioning.engine.action import AsWanted, Context
from provisioning.models import (
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationStatus,
    StepAttempt,
    StepStatus,
)
from provisioning.models.operations import LIVE
from provisioning.spec import InstanceSpec
from provisioning.workflows.provision import PROVISION
from tools.chaos.census import Census

HALTED = (OperationStatus.FAILED, OperationStatus.STUCK)
BY_HAND = ("operation.retry", "operation.skip", "operation.undo")
# The ready mail's link takes the generated password away, so this look cannot find its own again.
NOT_LOOKED_AT = {"administrator"}


def missing_of(instances: Iterable[Instance]) -> list[str]:
    """What each running instance should have and has not, by the look of every step that built it."""
    return [f"{instance}: {what}" for instance in instances for what in _missing(instance)]


def _missing(instance: Instance) -> list[str]:
    operation = instance.operations.get(kind=OperationKind.PROVISION)
    outputs = dict(operation.steps.filter(status=StepStatus.DONE).values_list("name", "outputs"))
    spec = InstanceSpec.from_json(operation.wanted)
    seen = {
        node.name: node.action.look(Context(operation.pk, node.name, 0, spec, outputs))
        for node in PROVISION.for_tenancy(instance.tenancy)
        if node.name not in NOT_LOOKED_AT
    }
    return [f"{name} is {answer}" for name, answer in seen.items() if not isinstance(answer, AsWanted)]


def verdict(asked_for: set[str], missing: list[str], duplicates: list[str], census: Census) -> dict[str, Any]:
    """The figures, and in `findings` what they count, in words."""
    operations = list(Operation.objects.select_related("instance"))
    findings = {
        "lost": [
            *missing,
            *(f"{name} is not in the database" for name in asked_for - {operation.pk for operation in operations}),
            *(_told(operation) for operation in operations if _is_lost(operation)),
        ],
        "duplicated": [
            *duplicates,
            *(f"{count} mails “{subject}”" for subject, count in census.letters().items() if count > 1),
        ],
        "leaked": [
            f"{instance}: {left}"
            for instance in Instance.objects.filter(status=InstanceStatus.DELETED)
            for left in census.left_of([instance.pk, instance.domain])
        ],
        "stuck": [_told(operation) for operation in operations if operation.status in HALTED],
        "manual_actions": [str(event) for event in AuditEvent.objects.filter(action__in=BY_HAND)],
    }
    done = StepAttempt.objects.filter(outcome=StepAttempt.Outcome.DONE).order_by("finished_at")
    return {
        "operations": len(operations),
        "instances": Instance.objects.count(),
        **{name: len(found) for name, found in findings.items()},
        "findings": {name: found for name, found in findings.items() if found},
        "progress": [moment.timestamp() for moment in done.values_list("finished_at", flat=True)],
    }


def _is_lost(operation: Operation) -> bool:
    """Still under way after all patience, or at an end that nobody asked for."""
    cancelled = operation.status == OperationStatus.CANCELLED and operation.cancel_requested_at is None
    return operation.status in LIVE or operation.status == OperationStatus.UNDONE or cancelled


def _told(operation: Operation) -> str:
    steps = ", ".join(f"{s.name} {s.status} {s.error}" for s in operation.steps.exclude(status__in=["done", "skipped"]))
    return f"{operation} is {operation.status}: {operation.error} [{steps}]"
