"""How the other side has answered to private connections: asked for every quarter of an hour, since nobody tells us."""

from typing import Final

import structlog
from django.db import transaction

from portal.core.audit import record
from provisioning.clients.google import GoogleError
from provisioning.models import ConnectionStatus, Instance, InstanceStatus
from provisioning.outcomes import NotYet, Refused
from provisioning.services.sending import send
from provisioning.steps.private_endpoint import connection_status

log = structlog.get_logger(__name__)
REFRESH: Final = "provisioning.tasks.refresh_connection"
EXPIRES_SECONDS = 600
PASSING: Final = (NotYet, Refused, GoogleError, OSError)  # the next round asks again


def connections_send_all() -> None:
    """A task for each running instance that has one is called. One query."""
    having = Instance.objects.filter(status=InstanceStatus.RUNNING).exclude(connection_status="")
    for instance_id in having.order_by("pk").values_list("pk", flat=True):
        send(REFRESH, instance_id, expires=EXPIRES_SECONDS)


def connection_refresh(instance_id: str) -> None:
    """The instance's row says how the connection stands now; what has changed is in the audit.

    What cannot be asked just now stays as it was. An operation that takes the connection away is let.
    """
    instance = Instance.objects.get(pk=instance_id)
    try:
        word = connection_status(instance.pk, instance.region)
    except PASSING as error:
        log.warning("a connection could not be asked for", instance=instance_id, error=str(error))
        return
    if word is not None and ConnectionStatus.told(word) != instance.connection_status:
        _note(instance_id, ConnectionStatus.told(word))


@transaction.atomic
def _note(instance_id: str, status: str) -> None:
    """Unless the connection has ended meanwhile."""
    instance = Instance.objects.select_for_update().get(pk=instance_id)
    before = instance.connection_status
    if before in {"", status}:
        return
    instance.connection_status = status
    instance.save(update_fields=["connection_status"])
    details = {"from": before, "to": status}
    organization_id = instance.organization_id
    record("instance.connection", instance, organization_id=organization_id, actor_label="engine", details=details)
