"""The standby of the volumes: backups that are kept in the other region."""

from provisioning.engine.action import Context, Missing, Seen
from provisioning.steps.backups import StandbyPlan
from provisioning.steps.standby_database import PartOfStandby


class StandbyVolumes(PartOfStandby, StandbyPlan):
    """Backups of the volumes in the other region

    Of a suspended instance they stay as they are, like the daily ones.
    """


class StandbyVolumesGone(StandbyPlan):
    """Backups of the volumes in the other region

    While that is lost there are none but those of before, which go with what else is left there.
    """

    def look(self, context: Context) -> Seen:
        if region := context.spec.lost_region:
            return Missing(f"none has been made in {region} since it was lost")
        return super().look(context)
