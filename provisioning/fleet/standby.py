"""The second home of an instance: where it is, how old what is there may be, and how soon it takes over (decision 24).

What a customer may expect is said here once, in figures that steps, rules and pages go by.
"""

from datetime import timedelta
from typing import Final

from provisioning.models import Region, StandbyRegion

# On the same continent, in the same country where there are two: data stays there. Each is the other's.
PAIRS: Final = (
    (Region.US_CENTRAL, StandbyRegion.US_EAST),
    (Region.EUROPE_WEST3, StandbyRegion.EUROPE_WEST4),
    (Region.EUROPE_WEST2, StandbyRegion.EUROPE_WEST1),
    (Region.ASIA_NORTHEAST, StandbyRegion.ASIA_NORTHEAST2),
    (Region.AUSTRALIA, StandbyRegion.AUSTRALIA2),
)
_OTHER: Final = {str(one): str(other) for pair in PAIRS for one, other in (pair, pair[::-1])}
# Every six hours, some minutes after the daily backup of the volumes, which is made at 3:17.
VOLUMES_SCHEDULE: Final = "47 */6 * * *"
KEPT_DAYS: Final = 3
OLDEST_DATABASES: Final = timedelta(minutes=5)  # beyond that an alert opens
OLDEST_VOLUMES: Final = timedelta(hours=8)
SOONEST: Final = timedelta(minutes=60)  # from the decision to the instance that answers, as a rule


def other_region(region: str) -> str:
    """Where the second home of an instance in that region is; "" of a region that is not known."""
    return _OTHER.get(region, "")
