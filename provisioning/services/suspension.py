"""An instance is switched off with its data kept, and on again (decision 12)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, SuspensionNotice, Tenancy
from provisioning.services.operations import operation_request
from provisioning.services.running import check_left_alone, check_running, locked
from provisioning.spec import InstanceSpec, spec_of


def suspended(instance: Instance) -> InstanceSpec:
    """The instance's spec while it is suspended.

    Raises Conflict unless it is running, Invalid for one on a cluster that somebody brings: nothing there is ours to
    switch off.
    """
    if instance.status == InstanceStatus.SUSPENDED:
        raise Conflict("This instance is suspended already.")
    check_running(instance, "suspended")
    if instance.tenancy == Tenancy.BYOK:
        raise Invalid("It runs on a cluster that its people bring: switching it off there is up to them.")
    return replace(spec_of(instance), is_suspended=True)


def resumed(instance: Instance) -> InstanceSpec:
    """The instance's spec once it runs again. Raises Conflict unless it is suspended."""
    if instance.status != InstanceStatus.SUSPENDED:
        raise Conflict(f"Only a suspended instance can be resumed; this one is {instance.status}.")
    return replace(spec_of(instance), is_suspended=False)


def instance_suspend(*, instance: Instance, notice: str, actor: Actor, reason: str) -> Operation:
    """Its suspension runs. `notice` is a SuspensionNotice: what its people are told; the reason is for the audit.

    Raises Invalid as `suspended` or for another notice, Conflict unless it is running and left alone.
    """
    if notice not in SuspensionNotice.values:
        raise Invalid(f"Say why, for its people: {', '.join(SuspensionNotice.values)}.", field="notice")
    return _begin(instance, OperationKind.SUSPEND, suspended, actor, reason, {"notice": str(notice)})


def instance_resume(*, instance: Instance, actor: Actor, reason: str) -> Operation:
    """Its return runs. Raises Conflict unless it is suspended and left alone."""
    return _begin(instance, OperationKind.RESUME, resumed, actor, reason)


def _begin(
    instance: Instance,
    kind: OperationKind,
    wanted: Callable[[Instance], InstanceSpec],
    actor: Actor,
    reason: str,
    inputs: Mapping[str, Any] | None = None,
) -> Operation:
    with transaction.atomic():
        row = locked(instance)
        check_left_alone(row)
        spec = wanted(row)
        return operation_request(instance=row, kind=kind, actor=actor, reason=reason, wanted=spec, inputs=inputs)
