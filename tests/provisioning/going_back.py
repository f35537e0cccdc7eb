"""Upgrades that have come to their end, without anybody having worked on them."""

from typing import Any

from portal.core.audit import Actor
from provisioning.models import Instance, Operation, Release
from provisioning.services import instance_upgrade

BACKUP = {"backup": "1700000000000", "taken_at": "2026-11-24T03:12:00.000Z"}


def upgraded_to(instance: Instance, release: Release, actor: Actor) -> Instance:
    """The upgrade has succeeded, and the instance is of that release."""
    ended(instance_upgrade(instance=instance, release=release, actor=actor), "succeeded")
    Instance.objects.filter(pk=instance.pk).update(release=release)
    return Instance.objects.select_related("release", "size").get(pk=instance.pk)


def failed_upgrade(
    instance: Instance, release: Release, actor: Actor, outputs: dict[str, Any] | None = None
) -> Operation:
    """The upgrade has failed; its backup of the databases put that out, or there is none."""
    operation = ended(instance_upgrade(instance=instance, release=release, actor=actor), "failed")
    operation.steps.filter(name="database-backup").update(outputs=outputs or {})
    return operation


def ended(operation: Operation, status: str) -> Operation:
    operation.steps.update(due_at=None, status="done")
    Operation.objects.filter(pk=operation.pk).update(status=status, error="It was done, and yet it fails.")
    operation.refresh_from_db()
    return operation
