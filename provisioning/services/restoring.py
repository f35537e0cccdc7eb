"""Going back: to an older version on the databases as they are, or to the databases of before a failed upgrade."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.releases import crosses_incompatible
from provisioning.fleet.versions import is_newer
from provisioning.models import Instance, Operation, OperationKind, OperationStatus, Release, Tenancy
from provisioning.services.operations import HALTED, operation_request
from provisioning.services.running import check_left_alone, check_running, locked
from provisioning.spec import InstanceSpec, spec_of

BACKUP_STEP = "database-backup"
Asked = tuple[InstanceSpec, Mapping[str, Any]]


def rolled_back(instance: Instance, release: Release) -> InstanceSpec:
    """The instance's spec after a rollback to that release.

    Raises Conflict unless it is running, Invalid for a draft, for a release that is not older, and for one that cannot
    run on the schema that the databases have by now.
    """
    check_running(instance, "rolled back")
    now, before = instance.release.app_version, release.app_version
    if not is_newer(now, before):
        raise Invalid(f"{before} is not older than {now}, which the instance has.", field="release")
    if release.status == Release.Status.DRAFT:
        raise Invalid(f"{before} is a draft.", field="release")
    if crosses_incompatible(before, now):
        raise Invalid(f"{before} cannot run on the databases as {now} has migrated them.", field="release")
    return replace(spec_of(instance), app_version=before, chart_version=release.chart_version)


def instance_rollback(*, instance: Instance, release: Release, actor: Actor, reason: str) -> Operation:
    """Its rollback to that release runs; the databases stay as they are.

    Raises Invalid as `rolled_back`, or Conflict unless it is running and left alone.
    """
    return _begin(instance, OperationKind.ROLLBACK, lambda row: (rolled_back(row, release), {}), actor, reason)


def instance_restore(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """The databases go back to the backup that this failed upgrade has made, and the version of before with them.

    All that was written since that backup is lost. On a brought cluster there is none: whoever brings it has restored
    the databases. Raises Conflict unless the upgrade has failed and nothing else has changed the instance since,
    Invalid when it has made no backup.
    """
    return _begin(operation.instance, OperationKind.RESTORE, lambda row: _before(row, operation.pk), actor, reason)


def restorable(operation: Operation) -> Mapping[str, Any] | None:
    """What its restore would bring back: `database_backup` and when that was `taken_at`, neither on a brought cluster.

    None when it cannot be restored: it is no failed upgrade, has not reached its backup, or has been overtaken.
    """
    if operation.kind != OperationKind.UPGRADE or operation.status not in HALTED or _overtaken_by(operation):
        return None
    if operation.instance.tenancy == Tenancy.BYOK:
        return {}
    outputs = operation.steps.filter(name=BACKUP_STEP).values_list("outputs", flat=True).first() or {}
    found = {"database_backup": outputs.get("backup"), "taken_at": outputs.get("taken_at")}
    return found if found["database_backup"] else None


def _before(instance: Instance, operation_id: str) -> Asked:
    check_running(instance, "restored")
    upgrade = Operation.objects.get(pk=operation_id)
    if upgrade.kind != OperationKind.UPGRADE or upgrade.status not in HALTED or not upgrade.previous:
        raise Conflict(f"Only a failed upgrade is restored from; this {upgrade.kind} is {upgrade.status}.")
    if later := _overtaken_by(upgrade):
        raise Conflict(f"Another {later.kind} has begun since: restoring would take that back, too.")
    backup = restorable(upgrade)
    if backup is None:
        raise Invalid("This upgrade has made no backup of the databases. Undo it instead.", field="operation")
    return InstanceSpec.from_json(upgrade.previous), {"upgrade": upgrade.pk, **backup}


def _overtaken_by(upgrade: Operation) -> Operation | None:
    """What has begun on its instance since, but for restores that did not get through."""
    since = Operation.objects.filter(instance_id=upgrade.instance_id, created_at__gt=upgrade.created_at)
    begun = since.exclude(started_at=None)
    return begun.exclude(kind=OperationKind.RESTORE, status__in=[*HALTED, OperationStatus.CANCELLED]).first()


def _begin(
    instance: Instance, kind: OperationKind, asked: Callable[[Instance], Asked], actor: Actor, reason: str
) -> Operation:
    with transaction.atomic():
        row = locked(instance)
        check_left_alone(row)
        spec, inputs = asked(row)
        return operation_request(instance=row, kind=kind, actor=actor, reason=reason, wanted=spec, inputs=inputs)
