"""Mails about operations that have ended: to whoever asked for a deletion, and to us when a person is needed."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.core import mail
from portal.core.models import Role, User
from provisioning.fleet.final_backups import final_backup_of
from provisioning.models import Operation, OperationKind, OperationStatus
from provisioning.selectors import certificate_of
from provisioning.signals import operation_finished

DELETED = "instance-deleted"
STOPPED = "operation-stopped"
NEEDS_A_PERSON = {OperationStatus.FAILED, OperationStatus.STUCK}


def register() -> None:
    """The kinds of mail are known, and queued in the transaction that ends an operation."""
    mail.register(DELETED)
    mail.register(STOPPED)
    operation_finished.connect(tell_of_deletion, dispatch_uid=DELETED)
    operation_finished.connect(tell_staff, dispatch_uid=STOPPED)


def tell_of_deletion(operation: Operation, **_: Any) -> None:
    """Who asked for it knows; where nobody of theirs did, its owners."""
    if operation.kind != OperationKind.TEARDOWN or operation.status != OperationStatus.SUCCEEDED:
        return
    instance = operation.instance
    backup = final_backup_of(instance)
    context = {
        "name": instance.slug,
        "domain": instance.address,
        "portal_link": _address("instance_detail", instance.pk),
        "certificate_link": _address("certificate", instance.pk) if certificate_of(instance) else "",
        "backup_until": f"{backup.kept_until:%-d %B %Y}" if backup else "",
        "has_ended": operation.requested_by is None,
    }
    for recipient in _told_of_deletion(operation):
        mail.queue(key=f"{DELETED}:{instance.pk}:{recipient}", kind=DELETED, recipient=recipient, context=context)


def tell_staff(operation: Operation, **_: Any) -> None:
    """Everybody who may set it going again is told what stopped, once each time it stops."""
    if operation.status not in NEEDS_A_PERSON or operation.finished_at is None:
        return
    context = {
        "name": operation.instance.slug,
        "organization": operation.instance.organization.name,
        "operation": operation.kind,
        "status": operation.status,
        "error": operation.error,
        "admin_link": _address("admin:provisioning_operation_change", operation.pk),
    }
    for person in User.objects.filter(is_staff=True, is_active=True):
        key = f"{STOPPED}:{operation.pk}:{operation.finished_at.timestamp():.0f}:{person.pk}"
        mail.queue(key=key, kind=STOPPED, recipient=person.email, context=context)


def _told_of_deletion(operation: Operation) -> set[str]:
    if operation.requested_by:
        return {operation.requested_by.email}
    owners = User.objects.filter(
        is_active=True,
        memberships__organization=operation.instance.organization_id,
        memberships__role=Role.OWNER,
    )
    return {operation.instance.admin_email, *owners.values_list("email", flat=True)}


def _address(page: str, key: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(page, args=[key])}"
