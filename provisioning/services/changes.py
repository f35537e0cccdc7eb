"""What happens to a running instance: another version, another size, other features, a repair."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.details import check_details
from provisioning.fleet.features import check_feature, why_not_there
from provisioning.fleet.releases import way
from provisioning.fleet.versions import is_newer
from provisioning.models import Instance, Kind, Operation, OperationKind, Release, Size
from provisioning.services.operations import operation_request
from provisioning.services.running import check_left_alone, check_running, locked
from provisioning.spec import FeatureSpec, InstanceSpec, SizeSpec, spec_of


def upgraded(instance: Instance, release: Release) -> InstanceSpec:
    """The instance's spec after the first leg of the way to that release: with the release itself where that is direct.

    Raises Conflict unless it is running, Invalid for a release that is not published, is the one that it has or an
    older one (data goes only forward), or that no way leads to.
    """
    check_running(instance, "upgraded")
    now = instance.release.app_version
    if release.app_version == now:
        raise Invalid(f"The instance has version {now} already.", field="release")
    if is_newer(now, release.app_version):
        raise Invalid(f"{release.app_version} is older than {now}, and data goes only forward.", field="release")
    _check_published(release)
    leg = way(now, release)[0]
    return replace(spec_of(instance), app_version=leg.app_version, chart_version=leg.chart_version)


def resized(instance: Instance, size: Size) -> InstanceSpec:
    """The instance's spec with that size, on the larger of its disks and the size's: disks never shrink.

    Raises Conflict unless it is running, Invalid for the size that it has.
    """
    check_running(instance, "resized")
    if size.pk == instance.size_id:
        raise Invalid(f"The instance has size {size.name} already.", field="size")
    spec = spec_of(instance)
    return replace(spec, size=SizeSpec.of(size).with_disks_of_at_least(spec.size.disks))


def instance_upgrade(*, instance: Instance, release: Release, actor: Actor, reason: str = "") -> Operation:
    """The first leg of its upgrade to that release runs; when it succeeds, the next is asked for (services/legs.py).

    Raises Invalid, or Conflict unless it is running and left alone.
    """
    inputs = {"towards": release.app_version}
    return _change(instance, OperationKind.UPGRADE, lambda row: upgraded(row, release), actor, reason, inputs)


def instance_resize(*, instance: Instance, size: Size, actor: Actor, reason: str = "") -> Operation:
    """Its change to that size runs. Raises Invalid, or Conflict unless it is running and left alone."""
    return _change(instance, OperationKind.RESIZE, lambda row: resized(row, size), actor, reason)


def with_features(instance: Instance, features: Iterable[FeatureSpec]) -> InstanceSpec:
    """The instance's spec with just these features on.

    Raises Conflict unless it is running or when it has just these, Invalid for one that cannot be made.
    """
    check_running(instance, "given features")
    wanted = tuple(sorted(features, key=lambda feature: feature.name))
    for feature in wanted:
        check_feature(feature.values, feature.parts)
        check_details(feature.parts, feature.details, region=instance.region)
        if why := why_not_there(feature.parts, instance.architecture):
            raise Invalid(why, field="parts")
    spec = spec_of(instance)
    if wanted == spec.features:
        raise Conflict("The instance has just these features already.")
    return replace(spec, features=wanted)


def instance_apply_features(
    *, instance: Instance, features: Iterable[FeatureSpec], actor: Actor, reason: str = ""
) -> Operation:
    """One operation runs after which just these features are on. Raises as `with_features`, or Conflict."""
    wanted = tuple(features)
    return _change(instance, OperationKind.APPLY_FEATURES, lambda row: with_features(row, wanted), actor, reason)


def instance_repair(*, instance: Instance, actor: Actor, reason: str = "") -> Operation:
    """Its repair runs: all of it becomes as its spec says. Raises Conflict when it is not running or being changed."""
    return _change(instance, OperationKind.REPAIR, _as_it_is, actor, reason)


def instance_convert(*, instance: Instance, actor: Actor, reason: str = "") -> Operation:
    """The trial is for production from now on and has no end; a repair brings its labels and backups to that.

    Nobody is interrupted by it. Raises Conflict unless it is a trial that is running and left alone.
    """
    with transaction.atomic():
        row = locked(instance)
        check_running(row, "converted")
        check_left_alone(row)
        if row.kind != Kind.TRIAL:
            raise Conflict(f"Only a trial can be converted; this one is {row.kind}.")
        row.kind, row.trial_ends_at = Kind.PRODUCTION, None
        row.save(update_fields=["kind", "trial_ends_at"])
        record("instance.convert", row, organization_id=row.organization_id, actor=actor, reason=reason)
        return operation_request(instance=row, kind=OperationKind.REPAIR, actor=actor, reason=reason)


def _change(
    instance: Instance,
    kind: OperationKind,
    wanted: Callable[[Instance], InstanceSpec],
    actor: Actor,
    reason: str,
    inputs: Mapping[str, Any] | None = None,
) -> Operation:
    """None is queued behind another: the spec that it was asked with would be out of date when its turn came."""
    with transaction.atomic():
        row = locked(instance)
        spec = wanted(row)
        check_left_alone(row)
        return operation_request(instance=row, kind=kind, actor=actor, reason=reason, wanted=spec, inputs=inputs)


def _as_it_is(instance: Instance) -> InstanceSpec:
    check_running(instance, "repaired")
    return spec_of(instance)


def _check_published(release: Release) -> None:
    if release.status == Release.Status.DRAFT:
        raise Invalid(f"{release.app_version} is a draft. Publish it first.", field="release")
    if release.status == Release.Status.WITHDRAWN:
        raise Invalid(f"{release.app_version} is withdrawn: {release.withdrawn_because}", field="release")
