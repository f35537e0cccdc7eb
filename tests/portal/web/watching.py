"""What the tests of the pages do to operations and mail, and read of them."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from portal.core.mail import _kinds
from portal.core.models import Mail
from provisioning.fleet import certificates
from provisioning.models import Instance, Operation, OperationStatus, StepStatus
from provisioning.services import instance_delete


def ended(operation, status):
    operation.status, operation.finished_at = status, operation.started_at
    operation.save()


def page_of(operation, name="operation_detail"):

    return reverse(name, args=[operation.instance_id, operation.pk])


def letter(mail: Mail) -> dict[str, Any]:
    """What a mail would say if it were sent now."""
    return _kinds[mail.kind].fetch(mail.context)


def deleted(instance: Instance, actor, outputs: Mapping[str, Any] | None = None) -> Operation:
    """The instance is deleted and its certificate issued, as its teardown's last transaction does.

    `outputs` are those of steps that have put out something else than that a thing is gone.
    """
    teardown = instance_delete(instance=instance, confirmation=instance.slug, actor=actor)
    at = teardown.started_at
    teardown.steps.update(status=StepStatus.DONE, started_at=at, finished_at=at, due_at=None)
    for step in teardown.steps.all():
        resource = "" if step.name == "proof" else f"//cloud/{instance.pk}/{step.name}"
        gone = {"resource": resource, "confirmed": "the cloud answered 404"}
        teardown.steps.filter(pk=step.pk).update(outputs=(outputs or {}).get(step.name, gone))
    certificates.issue(teardown)
    ended(teardown, OperationStatus.SUCCEEDED)
    Instance.objects.filter(pk=instance.pk).update(status="deleted", deleted_at=at)
    return teardown
