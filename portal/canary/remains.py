"""What a run has left behind, wherever it stopped: its instance and its account."""

from collections.abc import Iterator

from portal.canary.models import CanaryRun
from portal.core.audit import Actor
from portal.core.errors import ServiceError
from portal.core.models import User
from provisioning.models import Instance, InstanceStatus, OperationKind
from provisioning.models.operations import LIVE
from provisioning.services import instance_delete
from provisioning.services.accounts import account_close

REASON = "The canary leaves nothing behind."


def remains_take_away(run: CanaryRun, actor: Actor) -> str:
    """What can be taken away now is; answers what is still there, as a sentence, or "" when nothing is."""
    user = User.objects.filter(email=run.email).first()
    if user is None:
        return ""
    if left := list(_instances(user, actor)):
        return " ".join(left)
    if user.is_active:
        account_close(user=user, confirmation=user.email, actor=actor, reason=REASON)
    return ""


def _instances(user: User, actor: Actor) -> Iterator[str]:
    for instance in Instance.objects.filter(created_by=user).exclude(status=InstanceStatus.DELETED):
        yield _instance(instance, actor)


def _instance(instance: Instance, actor: Actor) -> str:
    """It is being torn down; answers how far that is. A teardown that stopped is for a person: it says why."""
    latest = instance.operations.filter(kind=OperationKind.TEARDOWN).order_by("-created_at").first()
    if latest is None:
        try:
            instance_delete(instance=instance, confirmation=instance.slug, actor=actor, reason=REASON)
        except ServiceError as error:
            return f"{instance} cannot be deleted: {error}"
        return f"{instance} is being deleted."
    if latest.status in LIVE:
        return f"{instance} is being deleted."
    return f"The deletion of {instance} is {latest.status}: {latest.error}"
