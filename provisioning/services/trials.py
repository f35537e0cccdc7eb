"""A trial's end is moved."""

from datetime import datetime

from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.models import Instance, Kind, OperationKind
from provisioning.models.instances import BUILT
from provisioning.models.operations import LIVE
from provisioning.services.running import locked


def trial_extend(*, instance: Instance, until: datetime, actor: Actor, reason: str) -> Instance:
    """The trial ends at that moment. Whether it runs until then is for others to see to.

    Raises Invalid without a reason, or for a moment that is past or not later than its present end; Conflict unless it
    is a trial that runs or is suspended, and is not being deleted.
    """
    if not reason.strip():
        raise Invalid("Say why the trial is extended.", field="reason")
    with transaction.atomic():
        row = locked(instance)
        _check_extensible(row)
        before = row.trial_ends_at
        if until <= clock.now() or (before and until <= before):
            raise Invalid("A trial is extended to a day that is still to come, and later than its present end.")
        row.trial_ends_at = until
        row.save(update_fields=["trial_ends_at"])
        record(
            "instance.trial-extended",
            row,
            organization_id=row.organization_id,
            actor=actor,
            reason=reason,
            details={"from": before.isoformat() if before else None, "to": until.isoformat()},
        )
    return row


def _check_extensible(instance: Instance) -> None:
    if instance.kind != Kind.TRIAL:
        raise Conflict(f"Only a trial can be extended; this one is {instance.kind}.")
    if instance.status not in BUILT:
        raise Conflict(f"Only a trial that runs or is suspended can be extended; this one is {instance.status}.")
    if instance.operations.filter(kind=OperationKind.TEARDOWN, status__in=LIVE).exists():
        raise Conflict("This trial is being deleted. Give its organization an allowance for another one.")
