"""The database server of a dedicated instance: it runs, and has been backed up lately. Elsewhere databases are pods."""

from datetime import datetime, timedelta
from typing import Final

from portal.core import clock
from provisioning.health.inside.findings import Finding, Subject, What, degraded, skipped, well
from provisioning.models import Tenancy
from provisioning.steps.database_backups import last_backup_at
from provisioning.steps.sql import server_of

RUNNABLE: Final = "RUNNABLE"
OLDEST_BACKUP: Final = timedelta(hours=36)  # one is made each night


def look_at_database(subject: Subject) -> Finding:
    """The server runs, and its newest backup is not too old. Who has just begun to run has until then."""
    if subject.spec.tenancy != Tenancy.DEDICATED:
        return skipped(What.DATABASE, "Its databases are pods.")
    state = str(server_of(subject.spec)["state"])
    backup = last_backup_at(subject.spec)
    figures = {
        "server": state,
        "backup_at": backup.isoformat() if backup else None,
        "runs_since": subject.runs_since.isoformat(),
    }
    if state != RUNNABLE:
        return degraded(What.DATABASE, f"The database server is {state}.", **figures)
    age = clock.now() - max(backup or subject.runs_since, subject.runs_since)
    if age > OLDEST_BACKUP:
        return degraded(What.DATABASE, _overdue(backup), **figures)
    return well(What.DATABASE, "The database server runs and is backed up.", **figures)


def _overdue(backup: datetime | None) -> str:
    if backup is None:
        return "The database server has no backup."
    return f"The newest backup of the database server is of {backup:%Y-%m-%d %H:%M} UTC."
