"""A disk that fills up becomes larger, by the one way in which disks grow: a resize, here to the size that it has."""

from dataclasses import replace
from typing import Final

from django.db import transaction

from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.models import Instance, Operation, OperationKind
from provisioning.services.operations import operation_request
from provisioning.services.running import check_left_alone, check_running, locked
from provisioning.spec import DISKS, InstanceSpec, SizeSpec, spec_of

MOST_TIMES: Final = 4  # what the instance's size has of itself
STEP_GB: Final = 10


def larger(has_gb: int, own_gb: int) -> int:
    """Half as much again, up to the next 10 GB, and at most MOST_TIMES what the size has of itself."""
    return min(-(-(has_gb * 3) // (2 * STEP_GB)) * STEP_GB, MOST_TIMES * own_gb)


def grown(instance: Instance, disk: str, has_gb: int) -> InstanceSpec:
    """The instance's spec with that disk larger than it is.

    Raises Conflict unless it is running, or where the disk is as large as it may become by itself.
    """
    check_running(instance, "given larger disks")
    if disk not in DISKS:
        raise Invalid(f"“{disk}” is no disk of a size.", field="disk")
    spec = spec_of(instance)
    has_gb = max(has_gb, spec.size.disks[disk])
    to_gb = larger(has_gb, SizeSpec.of(instance.size).disks[disk])
    if to_gb <= has_gb:
        raise Conflict(f"{disk} is {has_gb} GB: by itself it grows to {MOST_TIMES} times the size's own, no further.")
    return replace(spec, size=spec.size.with_disks_of_at_least({disk: to_gb}))


def instance_grow_disk(*, instance: Instance, disk: str, has_gb: int, actor: Actor, reason: str) -> Operation:
    """A resize runs after which that disk is larger by half. `disk` is a field of the size, `has_gb` what it is now.

    Raises as `grown` does, or Conflict unless it is left alone.
    """
    with transaction.atomic():
        row = locked(instance)
        spec = grown(row, disk, has_gb)
        check_left_alone(row)
        details = {"disk": disk, "from": max(has_gb, spec_of(row).size.disks[disk]), "to": spec.size.disks[disk]}
        record(
            "instance.grow-disk",
            row,
            organization_id=row.organization_id,
            actor=actor,
            reason=reason,
            details=details,
        )
        return operation_request(instance=row, kind=OperationKind.RESIZE, actor=actor, reason=reason, wanted=spec)
