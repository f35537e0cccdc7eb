"""What came of it: read from the portal's database and from devcloud, once everything stands still."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count, Sum

from portal.core.models import AuditEvent
from provisioning.fleet.certificates import verify
from provisioning.models import (
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepAttempt,
)
from provisioning.models.operations import LIVE
from provisioning.selectors import certificate_of
from tools.chaos.census import Census
from tools.chaos.standing import untrue_rows

HALTED = (OperationStatus.FAILED, OperationStatus.STUCK)
BY_HAND = ("operation.retry", "operation.skip", "operation.undo")
ENDS = tuple(f"operation.{status}" for status in OperationStatus if status not in LIVE)
Findings = dict[str, list[str]]


def verdict(
    asked_for: Iterable[str], wrong: Iterable[str], duplicates: Iterable[str], census: Census
) -> dict[str, Any]:
    """The figures, and in `findings` what they count, in words.

    `wrong` and `duplicates` were found while the instances were still there.
    """
    findings = {
        "lost": [*wrong, *_lost(set(asked_for))],
        "duplicated": [*duplicates, *_told_twice(census)],
        "leaked": list(_leaked(census)),
        "stuck": [_told(operation) for operation in Operation.objects.filter(status__in=HALTED)],
        "manual_actions": [str(event) for event in AuditEvent.objects.filter(action__in=BY_HAND)],
    }
    return {
        "operations": Operation.objects.count(),
        "operations_by_kind": dict(sorted(Counter(Operation.objects.values_list("kind", flat=True)).items())),
        "instances": Instance.objects.count(),
        **{name: len(found) for name, found in findings.items()},
        "abandoned_claims": abandoned_claims(),
        "second_copies": census.second_copies(),
        "findings": {name: found for name, found in findings.items() if found},
    }


def progress() -> list[float]:
    """When steps were done, as time.time() tells it."""
    done = StepAttempt.objects.filter(outcome=StepAttempt.Outcome.DONE).order_by("finished_at")
    return [moment.timestamp() for moment in done.values_list("finished_at", flat=True)]


def abandoned_claims() -> int:
    """How many times a worker took a step and never reported on it: it died, or was too late for its lease."""
    claims = Step.objects.aggregate(all=Sum("lease_token"))["all"] or 0
    return int(claims - (StepAttempt.objects.aggregate(all=Sum("looks"))["all"] or 0))


def _lost(asked_for: set[str]) -> Iterator[str]:
    operations = list(Operation.objects.select_related("instance"))
    yield from (f"{name} is not in the database" for name in asked_for - {operation.pk for operation in operations})
    yield from (_told(operation) for operation in operations if _is_lost(operation))
    yield from untrue_rows(Instance.objects.select_related("release", "size"))
    for instance in Instance.objects.filter(status=InstanceStatus.DELETED):
        certificate = certificate_of(instance)
        if certificate is None or not verify(certificate):
            yield f"{instance}: no valid certificate of its deletion"


def _is_lost(operation: Operation) -> bool:
    """Still under way after all patience, or at an end that nobody asked for.

    Only a provisioning is ever cancelled here, for the sake of a teardown. An upgrade or a resize that went back is
    lost too: it goes back when a step is refused for good, and nothing that happens here is for good.
    """
    cancelled = operation.status == OperationStatus.CANCELLED and not _made_way(operation)
    return operation.status in LIVE or operation.status == OperationStatus.UNDONE or cancelled


def _made_way(operation: Operation) -> bool:
    teardowns = operation.instance.operations.filter(kind=OperationKind.TEARDOWN)
    return operation.kind == OperationKind.PROVISION and teardowns.exists()


def _told_twice(census: Census) -> Iterator[str]:
    """Mails, and ends of operations in the audit log."""
    yield from (f"{count} mails “{subject}”" for subject, count in census.letters().items() if count > 1)
    ends = AuditEvent.objects.filter(action__in=ENDS).values("object_id", "action").annotate(count=Count("id"))
    yield from (f"{end['count']} events {end['action']} of {end['object_id']}" for end in ends.filter(count__gt=1))


def _leaked(census: Census) -> Iterator[str]:
    records = census.records()
    for instance in Instance.objects.filter(status=InstanceStatus.DELETED):
        if records.has_living_project(instance.pk):
            yield f"{instance}: its project"
        yield from (f"{instance}: {left}" for left in census.left_of([instance.pk, instance.domain]))


def _told(operation: Operation) -> str:
    steps = ", ".join(f"{s.name} {s.status} {s.error}" for s in operation.steps.exclude(status__in=["done", "skipped"]))
    return f"{operation} is {operation.status}: {operation.error} [{steps}]"
