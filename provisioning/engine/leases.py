"""Who may work on a step, and whose result counts.

A claim takes one due step for ENGINE_LEASE_SECONDS and raises its fencing token. Results are written only under that
token and within the lease: of a worker that was paused past it, nothing counts any more.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet

from portal.core import clock
from provisioning.models import Operation, Step

# One statement, where the ORM would need four, for each step of every operation. What the engine needs of the
# operation comes along; the rest of it is loaded should somebody ask.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, due_at, operation_id FROM provisioning_step WHERE queue = %(queue)s AND due_at <= %(now)s
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE provisioning_step AS step
SET status = 'running', lease_token = step.lease_token + 1, lease_owner = %(owner)s,
    lease_until = %(until)s, due_at = %(until)s, started_at = COALESCE(step.started_at, %(now)s)
FROM due, provisioning_operation AS operation
WHERE step.id = due.id AND operation.id = due.operation_id
RETURNING step.*, due.due_at AS was_due_at, operation.instance_id AS operation_instance_id,
    operation.kind AS operation_kind, operation.status AS operation_status, operation.wanted AS operation_wanted,
    operation.previous AS operation_previous, operation.inputs AS operation_inputs,
    operation.cancel_requested_at AS operation_cancel_requested_at
"""
OF_THE_OPERATION = (
    "instance_id",
    "kind",
    "status",
    "wanted",
    "previous",
    "inputs",
    "cancel_requested_at",
)  # as in the model
DOCUMENTS = {"wanted", "previous", "inputs"}


class LeaseLost(Exception):
    """The lease has run out, or another worker has claimed the step; whatever this one found out does not count."""


@dataclass(frozen=True)
class Claim:
    """The right to work on a step. `step` has its operation loaded; `due_at` is since when it was due."""

    step: Step
    token: int
    owner: str
    due_at: datetime | None = None

    def hold(self) -> None:
        """The lease is as long again as at its beginning. Raises LeaseLost when it is no longer ours."""
        until = _lease_end()
        if not self.ours().update(lease_until=until, due_at=until):
            raise LeaseLost

    def ours(self) -> QuerySet[Step]:
        """The step, as long as the lease has not run out; after it, others may have gone on without claiming it."""
        return Step.objects.filter(pk=self.step.pk, lease_token=self.token, lease_until__gt=clock.now())


def claim(queue: str, owner: str) -> Claim | None:
    """The longest due step of a queue is ours, or None when nothing is due."""
    words = {"queue": queue, "owner": owner, "now": clock.now(), "until": _lease_end()}
    for step in Step.objects.raw(CLAIM, words):
        step.operation = _operation_of(step)
        return Claim(step, step.lease_token, owner, vars(step)["was_due_at"])
    return None


def _operation_of(step: Step) -> Operation:
    values = [getattr(step, f"operation_{name}") for name in OF_THE_OPERATION]
    read = [
        json.loads(value) if name in DOCUMENTS and value is not None else value
        for name, value in zip(OF_THE_OPERATION, values, strict=True)
    ]
    return Operation.from_db(DEFAULT_DB_ALIAS, ("id", *OF_THE_OPERATION), (step.operation_id, *read))


def _lease_end() -> datetime:
    return clock.now() + timedelta(seconds=settings.ENGINE_LEASE_SECONDS)
