"""What a person is told of an instance or an operation: a word, an icon and a tone, derived and never stored."""

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, OperationStatus
from provisioning.models.operations import LIVE


@dataclass(frozen=True)
class Standing:
    """`tone` is good, busy, warn, bad or quiet; it never comes without its word and icon."""

    word: str
    tone: str
    icon: str
    spins: bool = False


RUNNING = Standing("Running", "good", "circle-check")
SUSPENDED = Standing("Suspended", "warn", "ban")
DELETED = Standing("Deleted", "quiet", "trash-2")
NEEDS_ATTENTION = Standing("Needs attention", "bad", "triangle-alert")
NOT_BUILT = Standing("Not built", "quiet", "circle-dashed")
STOPPED = Standing("Stopped", "quiet", "ban")
BUSY = {
    OperationKind.PROVISION: Standing("Coming up", "busy", "loader-circle", spins=True),
    OperationKind.UPGRADE: Standing("Upgrading", "busy", "loader-circle", spins=True),
    OperationKind.RESIZE: Standing("Resizing", "busy", "loader-circle", spins=True),
    OperationKind.APPLY_FEATURES: Standing("Changing features", "busy", "loader-circle", spins=True),
    OperationKind.SUSPEND: Standing("Being suspended", "busy", "loader-circle", spins=True),
    OperationKind.RESUME: Standing("Coming back", "busy", "loader-circle", spins=True),
    OperationKind.REPAIR: Standing("Being repaired", "busy", "loader-circle", spins=True),
    OperationKind.ROLLBACK: Standing("Going back", "busy", "loader-circle", spins=True),
    OperationKind.RESTORE: Standing("Being restored", "busy", "loader-circle", spins=True),
    OperationKind.REHEARSE: Standing("Coming up", "busy", "loader-circle", spins=True),
    OperationKind.MIGRATE_ARCHITECTURE: Standing("Being renewed", "busy", "loader-circle", spins=True),
    OperationKind.EXPORT: Standing("Being exported", "busy", "loader-circle", spins=True),
    OperationKind.TAKEOVER: Standing("Moving to its standby", "busy", "loader-circle", spins=True),
    OperationKind.TEARDOWN: Standing("Being deleted", "busy", "loader-circle", spins=True),
}
OPERATIONS = {
    OperationStatus.QUEUED: Standing("Queued", "quiet", "clock"),
    OperationStatus.RUNNING: Standing("Running", "busy", "loader-circle", spins=True),
    OperationStatus.UNDOING: Standing("Being undone", "warn", "undo-2"),
    OperationStatus.SUCCEEDED: Standing("Done", "good", "circle-check"),
    OperationStatus.UNDONE: Standing("Undone", "warn", "undo-2"),
    OperationStatus.FAILED: NEEDS_ATTENTION,
    OperationStatus.STUCK: NEEDS_ATTENTION,
    OperationStatus.CANCELLED: STOPPED,
}
HALTED = (OperationStatus.FAILED, OperationStatus.STUCK)


def with_latest_operation(instances: QuerySet[Instance]) -> QuerySet[Instance]:
    """Each instance carries `latest_status`: how its newest operation stands."""
    newest = Operation.objects.filter(instance=OuterRef("pk")).order_by("-created_at")
    return instances.annotate(latest_status=Subquery(newest.values("status")[:1]))


def standing_of(instance: Instance) -> Standing:
    """How an instance of `with_latest_operation` stands."""
    if instance.status == InstanceStatus.DELETED:
        return DELETED
    if live := live_operation(instance):
        return BUSY.get(OperationKind(live.kind), OPERATIONS[OperationStatus.RUNNING])
    latest: str | None = getattr(instance, "latest_status", None)
    if latest in HALTED:
        return NEEDS_ATTENTION
    return {InstanceStatus.RUNNING: RUNNING, InstanceStatus.SUSPENDED: SUSPENDED}.get(
        InstanceStatus(instance.status), NOT_BUILT
    )


def standing_of_operation(operation: Operation) -> Standing:
    return OPERATIONS[OperationStatus(operation.status)]


def live_operation(instance: Instance) -> Operation | None:
    """What is happening to the instance now, a running operation before a queued one."""
    live: list[Operation] = sorted(
        getattr(instance, "live_operations", []), key=lambda operation: LIVE.index(OperationStatus(operation.status))
    )
    return live[-1] if live else None
