"""An upgrade that has reached a stop goes on: the next leg of its way is asked for (decision 7)."""

from typing import Any

import structlog
from django.db import OperationalError, transaction

from portal.core.audit import Actor, record
from portal.core.errors import ServiceError
from provisioning.models import Operation, OperationKind, OperationStatus, Release
from provisioning.services.changes import instance_upgrade

log = structlog.get_logger(__name__)


def go_on(sender: type[Operation], operation: Operation, **_: Any) -> None:  # noqa: ARG001 - what a signal sends
    """Receives `operation_finished`, in its transaction: the next leg runs, or the audit says why it does not."""
    if operation.kind != OperationKind.UPGRADE or operation.status != OperationStatus.SUCCEEDED:
        return
    towards = str(operation.inputs.get("towards", ""))
    if not towards or towards == operation.wanted["app_version"]:
        return
    try:
        with transaction.atomic():
            release = Release.objects.get(app_version=towards)
            instance_upgrade(
                instance=operation.instance, release=release, actor=_actor(operation), reason=operation.reason
            )
    except OperationalError:
        raise  # it is the database that is away; the end of the leg is told again
    except ServiceError as refused:
        _stopped(operation, towards, str(refused))
    except Exception:
        log.exception("the next leg of an upgrade could not be asked for", operation=operation.pk)
        _stopped(operation, towards, "Something went wrong inside; the logs of the workers tell what.")


def _actor(operation: Operation) -> Actor:
    user = operation.requested_by
    return Actor(user, user.email if user else "engine")


def _stopped(operation: Operation, towards: str, why: str) -> None:
    """The instance stays at its stop, which is a version like any other."""
    record(
        "instance.upgrade-stopped",
        operation.instance,
        organization_id=operation.instance.organization_id,
        actor_label="engine",
        reason=why,
        details={"at": operation.wanted["app_version"], "towards": towards, "operation": operation.pk},
    )
