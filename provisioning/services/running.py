"""What can be changed: an instance that runs."""

from portal.core.errors import Conflict
from provisioning.models import Instance, InstanceStatus, Operation
from provisioning.models.operations import LIVE


def check_running(instance: Instance, verb: str) -> None:
    """Raises Conflict unless it runs. `verb` is what was to be done to it, as in “upgraded”."""
    if instance.status == InstanceStatus.RUNNING:
        return
    resume = " Resume it first." if instance.status == InstanceStatus.SUSPENDED else ""
    raise Conflict(f"Only a running instance can be {verb}; this one is {instance.status}.{resume}")


def check_left_alone(instance: Instance) -> None:
    """Raises Conflict while an operation is under way on it, or queued. Its row is locked."""
    live: Operation | None = instance.operations.filter(status__in=LIVE).first()
    if live:
        raise Conflict(f"{live.kind} ({live.status}) is already under way on this instance. Wait for it to end.")


def locked(instance: Instance) -> Instance:
    """Its row as it stands, locked until the transaction ends: of two requests the second sees the first."""
    rows = Instance.objects.select_for_update(of=("self",)).select_related("release", "size")
    return rows.get(pk=instance.pk)
