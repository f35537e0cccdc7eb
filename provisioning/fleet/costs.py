"""What bringing a change to the fleet costs us: list prices in US cents, and estimates on the high side."""

from typing import Final

# Cloud SQL backups cost 8 cents a GB and month, Backup for GKE 2.8 for what it stores (US list prices); how full disks
# are is not known here, so that all of them is reckoned.
DATABASE_BACKUP_CENTS: Final = 8.0
VOLUME_BACKUP_CENTS: Final = 2.8
BACKUPS_ARE_KEPT_DAYS: Final = 14
DAYS_A_MONTH: Final = 30.4
# A stand-in is built, restored, upgraded and torn down within an afternoon.
STAND_IN_HOURS: Final = 3


def backup_cents(*, database_gb: int, volume_gb: int) -> float:
    """Of the backups that one upgrade makes, until they are gone again."""
    a_month = DATABASE_BACKUP_CENTS * database_gb + VOLUME_BACKUP_CENTS * volume_gb
    return a_month * BACKUPS_ARE_KEPT_DAYS / DAYS_A_MONTH


def stand_in_cents(infrastructure_cents_a_month: int) -> float:
    """Of one rehearsal: the infrastructure of the original, for some hours."""
    return infrastructure_cents_a_month * STAND_IN_HOURS / (24 * DAYS_A_MONTH)
