"""The second home of an instance: its standby takes over, and is set up again when the lost region is back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import transaction

from portal.core.audit import Actor
from portal.core.errors import Invalid
from provisioning.fleet.features import PRIVATE_CONNECTIVITY, STANDBY
from provisioning.fleet.standby import other_region
from provisioning.mail import takeover_begun
from provisioning.models import Health, Instance, Operation, OperationKind
from provisioning.services.operations import operation_request
from provisioning.services.running import check_left_alone, check_running, locked
from provisioning.spec import InstanceSpec, spec_of


def taken_over(instance: Instance) -> InstanceSpec:
    """The instance's spec once its standby has taken over.

    What it reaches by private connectivity is published in the lost region alone, so that this does not come along.
    Raises Conflict unless it is running, Invalid where it has no standby.
    """
    check_running(instance, "taken over")
    spec = spec_of(instance)
    if not spec.has_part(STANDBY):
        raise Invalid(f"“{instance.slug}” has no standby.")
    if spec.lost_region:
        raise Invalid(f"“{instance.slug}” has no standby since it took over from {spec.lost_region}.")
    features = tuple(feature for feature in spec.features if PRIVATE_CONNECTIVITY not in feature.parts)
    return replace(
        spec,
        region=other_region(spec.region),
        takeovers=spec.takeovers + 1,
        lost_region=spec.region,
        features=features,
    )


def instance_take_over(*, instance: Instance, confirmation: str, actor: Actor, reason: str) -> Operation:
    """Its standby takes over, and its people are told. `confirmation` must be the instance's name.

    Raises Invalid, or Conflict unless it is running and left alone; or as `taken_over`.
    """
    _check_reason(reason)
    if confirmation.strip() != instance.slug:
        raise Invalid(f"Type “{instance.slug}” to confirm.", field="confirmation")
    operation = _begin(instance, OperationKind.TAKEOVER, taken_over, actor, reason, last_seen(instance))
    takeover_begun(operation)
    return operation


def with_standby_again(instance: Instance) -> InstanceSpec:
    """The instance's spec with what follows it in the region that was lost.

    Raises Conflict unless it is running, Invalid where no region is lost.
    """
    check_running(instance, "given its standby")
    if not instance.lost_region:
        raise Invalid(f"“{instance.slug}” has lost no region.")
    return replace(spec_of(instance), lost_region="")


def instance_set_up_standby(*, instance: Instance, confirmation: str, actor: Actor, reason: str) -> Operation:
    """What is left in the region that was lost is removed, and the instance has its standby there.

    Raises Invalid, or Conflict unless it is running and left alone; or as `with_standby_again`.
    """
    _check_reason(reason)
    if confirmation.strip() != instance.slug:
        raise Invalid(f"Type “{instance.slug}” to confirm.", field="confirmation")
    return _begin(instance, OperationKind.APPLY_FEATURES, with_standby_again, actor, reason, {})


def last_seen(instance: Instance) -> dict[str, Any]:
    """How old the copies were when they were seen the last time, as JSON: what a takeover loses at least."""
    row = Health.objects.filter(pk=instance.pk).first()
    if row is None:
        return {}
    moments = {"lag_seen_at": row.standby_seen_at, "volumes_copied_at": row.volumes_copied_at}
    seen = {name: moment.isoformat() for name, moment in moments.items() if moment}
    return seen if row.standby_lag_seconds is None else {**seen, "lag_seconds": row.standby_lag_seconds}


def _begin(
    instance: Instance,
    kind: OperationKind,
    wanted: Callable[[Instance], InstanceSpec],
    actor: Actor,
    reason: str,
    inputs: dict[str, Any],
) -> Operation:
    with transaction.atomic():
        row = locked(instance)
        check_left_alone(row)
        return operation_request(instance=row, kind=kind, actor=actor, reason=reason, wanted=wanted(row), inputs=inputs)


def _check_reason(reason: str) -> None:
    """Raises Invalid without one: whoever reads the audit later has nothing else."""
    if not reason.strip():
        raise Invalid("Say why.", field="reason")
