"""The standby of the volumes: backups that are kept in the other region."""

from provisioning.steps.backups import StandbyPlan
from provisioning.steps.standby_database import PartOfStandby


class StandbyVolumes(PartOfStandby, StandbyPlan):
    """Backups of the volumes in the other region

    Of a suspended instance they stay as they are, like the daily ones.
    """
