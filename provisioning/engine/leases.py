"""Who may work on a step, and whose result counts.

A claim takes one due step for ENGINE_LEASE_SECONDS and raises its fencing token. Results are written only under that
token: a worker that was paused past its lease finds the token raised and its result refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from portal.core import clock
from provisioning.models import Step, StepStatus


class LeaseLost(Exception):
    """Another worker has claimed the step since; whatever this one found out does not count."""


@dataclass(frozen=True)
class Claim:
    """The right to work on a step. `step` has its operation loaded."""

    step: Step
    token: int
    owner: str

    def hold(self) -> None:
        """The lease is as long again as at its beginning. Raises LeaseLost when it is no longer ours."""
        until = _lease_end()
        rows = Step.objects.filter(pk=self.step.pk, lease_token=self.token).update(lease_until=until, due_at=until)
        if not rows:
            raise LeaseLost


def claim(queue: str, owner: str) -> Claim | None:
    """The longest due step of a queue is ours, or None when nothing is due."""
    now = clock.now()
    with transaction.atomic():
        step = (
            Step.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("operation")
            .filter(queue=queue, due_at__lte=now)
            .order_by("due_at", "pk")
            .first()
        )
        if step is None:
            return None
        until = _lease_end()
        step.lease_token += 1
        Step.objects.filter(pk=step.pk).update(
            status=StepStatus.RUNNING,
            lease_token=F("lease_token") + 1,
            lease_owner=owner,
            lease_until=until,
            due_at=until,
            started_at=step.started_at or now,
        )
        step.started_at = step.started_at or now
    return Claim(step, step.lease_token, owner)


def _lease_end() -> datetime:
    return clock.now() + timedelta(seconds=settings.ENGINE_LEASE_SECONDS)
