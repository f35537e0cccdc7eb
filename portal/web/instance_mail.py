"""The mail that tells whoever asked for it that an instance is gone."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.core import mail
from provisioning.models import Operation, OperationKind, OperationStatus
from provisioning.signals import operation_finished

DELETED = "instance-deleted"


def register() -> None:
    """The kind of mail is known, and queued in the transaction that ends a teardown."""
    mail.register(DELETED)
    operation_finished.connect(tell_of_deletion, dispatch_uid=DELETED)


def tell_of_deletion(operation: Operation, **_: Any) -> None:
    if operation.kind != OperationKind.TEARDOWN or operation.status != OperationStatus.SUCCEEDED:
        return
    instance = operation.instance
    recipient = operation.requested_by.email if operation.requested_by else instance.admin_email
    portal_link = f"{settings.PORTAL_URL}{reverse('instance_detail', args=[instance.pk])}"
    mail.queue(
        key=f"{DELETED}:{instance.pk}",
        kind=DELETED,
        recipient=recipient,
        context={"name": instance.slug, "domain": instance.domain, "portal_link": portal_link},
    )
