"""What instances tell of their use is written down.

Like what the prober sees, it is a measurement and no change: an audit event for each would leave room for little else.
What follows from a count (billing.services.seats) has one.
"""

from portal.core import clock
from portal.core.errors import NotFound
from provisioning.models import Instance, InstanceStatus, Kind, Usage


def usage_take(*, instance_id: str, figures: dict[str, int]) -> None:
    """The instance's figures of today are these. Two statements.

    Raises NotFound for an instance that is not there any more, and for a rehearsal's: its data is a copy.
    """
    living = Instance.objects.exclude(status=InstanceStatus.DELETED).exclude(kind=Kind.REHEARSAL)
    if not living.filter(pk=instance_id).exists():
        raise NotFound("There is no such instance.")
    now = clock.now()
    Usage.objects.bulk_create(
        [Usage(instance_id=instance_id, day=now.date(), figures=figures, counted_at=now)],
        update_conflicts=True,
        unique_fields=["instance", "day"],
        update_fields=["figures", "counted_at"],
    )
