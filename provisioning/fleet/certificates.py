"""Certificates of deletion: what a teardown removed, when, and how each absence was confirmed with the cloud."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from portal.core import clock
from provisioning.engine import graph
from provisioning.engine.action import Context
from provisioning.engine.graph import Node
from provisioning.models import Certificate, Operation, Step, StepAttempt, StepStatus
from provisioning.spec import InstanceSpec

PROJECT = "project"
ON_SOMEBODYS_WORD = "Not confirmed: the step was skipped by hand; the audit log says by whom and why."


def issue(operation: Operation) -> Certificate:
    """The certificate of a teardown whose steps are all settled. Call it inside the transaction that ends it."""
    issued_at = clock.now()
    lines = _lines(operation, list(operation.steps.prefetch_related("attempts").order_by("position")))
    return Certificate.objects.create(
        operation=operation,
        instance_id=operation.instance_id,
        issued_at=issued_at,
        lines=lines,
        digest=_digest(_says(operation, issued_at, lines)),
    )


def document_of(certificate: Certificate) -> dict[str, Any]:
    """All that the digest is made of, with the digest: SHA-256 of the other members but `id`, as canonical JSON.

    Names are those that the teardown was begun with: the address may belong to somebody else by now.
    """
    says = _says(certificate.operation, certificate.issued_at, certificate.lines)
    return {"id": certificate.pk, **says, "digest": certificate.digest}


def verify(certificate: Certificate) -> bool:
    """Whether it says what it said when it was issued."""
    return certificate.digest == _digest(_says(certificate.operation, certificate.issued_at, certificate.lines))


def _says(operation: Operation, issued_at: datetime, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    wanted = operation.wanted
    return {
        "instance": operation.instance_id,
        "slug": wanted["slug"],
        "domain": wanted["domain"],
        "organization": wanted["organization_id"],
        "operation": operation.pk,
        "issued_at": _moment(issued_at),
        "lines": lines,
    }


def _digest(says: dict[str, Any]) -> str:
    canonical = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _lines(operation: Operation, steps: Sequence[Step]) -> list[dict[str, Any]]:
    workflow = graph.workflow_of(operation.kind)
    project = next((step for step in steps if step.name == PROJECT and step.status == StepStatus.DONE), None)
    return [_line(operation, step, workflow.find(step.name), project) for step in steps]


def _line(operation: Operation, step: Step, node: Node | None, project: Step | None) -> dict[str, Any]:
    attempts = _deeds(step)
    confirmed, at = _confirmation(step, node, project)
    return {
        "title": node.action.title() if node else step.name,
        "resource": step.outputs.get("resource") or _resource(operation, step, node),
        "asked_at": _moment(attempts[0].started_at) if attempts else None,
        "confirmed_at": _moment(at) if at else None,
        "confirmed": confirmed,
        "deeds": [deed for attempt in attempts for deed in _words(attempt)],
    }


def _deeds(step: Step) -> list[StepAttempt]:
    """The tries that changed something. What is asked for and then waited for in one go is not noted as made: where
    nothing else is, the tries that waited stand for it.
    """
    forward = [attempt for attempt in step.attempts.all() if attempt.direction == Step.Direction.FORWARD]
    waited = [attempt for attempt in forward if attempt.outcome == StepAttempt.Outcome.WAITING]
    return [attempt for attempt in forward if attempt.made] or waited


def _words(attempt: StepAttempt) -> list[str]:
    return list(attempt.made) or [f"waited for {attempt.message}"]


def _confirmation(step: Step, node: Node | None, project: Step | None) -> tuple[str, datetime | None]:
    """How and when it was confirmed that it is gone. What gave up went with the project."""
    if step.status == StepStatus.DONE:
        return step.outputs.get("confirmed") or "It was looked for and not found.", step.finished_at
    if node is None or not node.gives_up or project is None:
        return ON_SOMEBODYS_WORD, None
    how = project.outputs.get("confirmed") or "the project was looked for and not found"
    return f"It goes with the project: {how}", project.finished_at


def _resource(operation: Operation, step: Step, node: Node | None) -> str:
    """The name of what was given up: its step put out nothing."""
    if node is None:
        return ""
    context = Context(
        operation_id=operation.pk,
        step=step.name,
        generation=step.generation,
        spec=InstanceSpec.from_json(operation.wanted),
        outputs={},
    )
    return node.action.resource(context)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
