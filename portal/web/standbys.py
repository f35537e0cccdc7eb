"""What the people of an instance are told of its standby: where it is, how old the copies are, what to expect of it."""

from dataclasses import dataclass
from datetime import datetime

from portal.web.wording import roughly
from provisioning.fleet.features import STANDBY
from provisioning.fleet.standby import OLDEST_DATABASES, OLDEST_VOLUMES, SOONEST, other_region
from provisioning.models import Health, Instance
from provisioning.models.instances import PLACES
from provisioning.spec import spec_of


@dataclass(frozen=True)
class StandbyView:
    """`lag` is in words, "" where it has not been seen yet. `lost` is the place that is lost, "" where none is."""

    place: str
    lost: str
    lag: str
    seen_at: datetime | None
    volumes_at: datetime | None
    promise: str


def standby_view(instance: Instance) -> StandbyView | None:
    """None where no feature has switched it on. One query otherwise."""
    if not spec_of(instance).has_part(STANDBY):
        return None
    row = Health.objects.filter(pk=instance.pk).first() or Health()
    places, lag = dict(PLACES), row.standby_lag_seconds
    return StandbyView(
        place=places[other_region(instance.region)],
        lost=places.get(instance.lost_region, ""),
        lag="" if lag is None else roughly(lag),
        seen_at=row.standby_seen_at,
        volumes_at=row.volumes_copied_at,
        promise=promise(),
    )


def promise() -> str:
    """What a customer may expect on the day on which the region is lost, by the figures that alerts go by."""
    databases, volumes = roughly(OLDEST_DATABASES.total_seconds()), roughly(OLDEST_VOLUMES.total_seconds())
    return (
        "On the day on which your region is lost, we decide whether it takes over. As a rule it answers then within "
        f"{roughly(SOONEST.total_seconds())} of our decision; no more than the last {databases} of what was written in "
        f"the databases is lost, and disks are no older than {volumes}, which the application makes up for from your "
        "code hosts. We are told when a copy is older than that."
    )
