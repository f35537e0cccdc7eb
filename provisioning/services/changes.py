"""What happens to a running instance: another version, another size, a repair."""

import re
from collections.abc import Callable
from dataclasses import replace

from django.db import transaction

from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, Release, Size
from provisioning.models.operations import LIVE
from provisioning.services.operations import operation_request
from provisioning.spec import InstanceSpec, SizeSpec, spec_of


def upgraded(instance: Instance, release: Release) -> InstanceSpec:
    """The instance's spec with that release.

    Raises Conflict unless it is running, Invalid for the release that it has or an older one: data goes only forward.
    """
    _check_running(instance, "upgraded")
    now = instance.release.app_version
    if release.app_version == now:
        raise Invalid(f"The instance has version {now} already.", field="release")
    if _order(release.app_version) < _order(now):
        raise Invalid(f"{release.app_version} is older than {now}, and data goes only forward.", field="release")
    return replace(spec_of(instance), app_version=release.app_version, chart_version=release.chart_version)


def resized(instance: Instance, size: Size) -> InstanceSpec:
    """The instance's spec with that size, on the larger of its disks and the size's: disks never shrink.

    Raises Conflict unless it is running, Invalid for the size that it has.
    """
    _check_running(instance, "resized")
    if size.pk == instance.size_id:
        raise Invalid(f"The instance has size {size.name} already.", field="size")
    spec = spec_of(instance)
    return replace(spec, size=SizeSpec.of(size).with_disks_of_at_least(spec.size.disks))


def instance_upgrade(*, instance: Instance, release: Release, actor: Actor, reason: str = "") -> Operation:
    """Its upgrade to that release runs. Raises Invalid, or Conflict unless it is running and left alone."""
    return _change(instance, OperationKind.UPGRADE, lambda row: upgraded(row, release), actor, reason)


def instance_resize(*, instance: Instance, size: Size, actor: Actor, reason: str = "") -> Operation:
    """Its change to that size runs. Raises Invalid, or Conflict unless it is running and left alone."""
    return _change(instance, OperationKind.RESIZE, lambda row: resized(row, size), actor, reason)


def instance_repair(*, instance: Instance, actor: Actor, reason: str = "") -> Operation:
    """Its repair runs: all of it becomes as its spec says. Raises Conflict when it is not running or being changed."""
    return _change(instance, OperationKind.REPAIR, _as_it_is, actor, reason)


def _change(
    instance: Instance, kind: OperationKind, wanted: Callable[[Instance], InstanceSpec], actor: Actor, reason: str
) -> Operation:
    """The row is locked, so that of two requests the second sees the first. None is queued behind another: the spec
    that it was asked with would be out of date when its turn came.
    """
    with transaction.atomic():
        locked = Instance.objects.select_for_update(of=("self",)).select_related("release", "size").get(pk=instance.pk)
        spec = wanted(locked)
        live = locked.operations.filter(status__in=LIVE).first()
        if live:
            raise Conflict(f"{live.kind} ({live.status}) is already under way on this instance. Wait for it to end.")
        return operation_request(instance=locked, kind=kind, actor=actor, reason=reason, wanted=spec)


def _as_it_is(instance: Instance) -> InstanceSpec:
    _check_running(instance, "repaired")
    return spec_of(instance)


def _check_running(instance: Instance, verb: str) -> None:
    if instance.status != InstanceStatus.RUNNING:
        raise Conflict(f"Only a running instance can be {verb}; this one is {instance.status}.")


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Sorts versions as people do: 5.9.0, 5.10.0-rc.1, 5.10.0."""
    numbers, _, suffix = version.partition("-")
    return tuple(int(number) for number in re.findall(r"\d+", numbers)), not suffix, suffix
