"""What an instance or an operation looks like: its own status, and what is happening."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core import clock
from portal.core.admin.words import NOTHING, pill, when
from provisioning.admin.attention import Rank
from provisioning.models import BUILT, Instance, InstanceStatus, Operation, OperationStatus
from provisioning.selectors.health import health_seen

TELLING = {Rank.ADRIFT, Rank.LATE, Rank.STOPPING, Rank.SLOW, Rank.QUEUED}


def operation_pill(operation: Operation) -> SafeString:
    """Its status; “late”, “slow” and the like where these say more."""
    rank = getattr(operation, "rank", None)
    if rank in TELLING:
        return pill(Rank(rank).label)
    if operation.status == OperationStatus.RUNNING:
        return pill("stopping" if operation.cancel_requested_at else "under way")
    return pill(operation.status)


def instance_pill(instance: Instance) -> SafeString:
    """Its status; “coming up” while it is being built."""
    operation = present_operation(instance)
    is_coming_up = instance.status == InstanceStatus.PENDING and operation is not None and operation.is_live
    return pill("coming up" if is_coming_up else instance.status)


def health_pill(instance: Instance) -> SafeString | str:
    """How it is, with the reason on hover; nothing of what does not stand. Of an instance of `with_health`."""
    if instance.status not in BUILT:
        return NOTHING
    seen = health_seen(instance)
    return format_html('<span title="{}">{}</span>', seen.reason, pill(seen.state))


def health_in_full(instance: Instance) -> SafeString | str:
    """The same with the reason and since when. Of an instance of `with_health`."""
    if instance.status not in BUILT:
        return NOTHING
    seen = health_seen(instance)
    return format_html("{} {} Since {}.", pill(seen.state), seen.reason, when(seen.since))


def present_operation(instance: Instance) -> Operation | None:
    """What is under way or has stopped, rather than what is queued behind it; set by the page's query."""
    present: list[Operation] = instance.present_operations  # type: ignore[attr-defined]
    return next(iter(sorted(present, key=lambda operation: operation.status == OperationStatus.QUEUED)), None)


def seconds_of(operation: Operation) -> float | None:
    """How long it took, or takes so far; None before it has begun."""
    if operation.started_at is None:
        return None
    return ((operation.finished_at or clock.now()) - operation.started_at).total_seconds()
