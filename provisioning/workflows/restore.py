"""Restore: the databases as they were before an upgrade that failed too late, and the version that fits them.

The newer version is stopped first, lest it write to the databases, or migrate them again, while they go back; a standby
goes, too, and is made anew. Nothing of this is taken back: what fails is tried again. Whoever brings a cluster restores
the databases in it themselves.
"""

from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Operation, OperationKind
from provisioning.steps import (
    application,
    database_restore,
    release,
    rollout,
    site_configuration,
    standby_database,
    stop,
)
from provisioning.workflows.table import GOOGLE, has_release, interrupting, line

SHORT, LONG, HOURS = minutes(20), minutes(45), minutes(180)
COPIED = minutes(360)
NOTHING = Undo.NOTHING  # what was written since the backup does not come back


# fmt: off
NODES = interrupting((
    line("backup", "", database_restore.BackupToRestore(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("stop", "backup", stop.Stop(), NOTHING, seconds(30), SHORT),
    line("no-standby", "stop", standby_database.NoStandby(), NOTHING, seconds(2), LONG, GOOGLE),
    line("database-restore", "no-standby", database_restore.DatabaseRestore(), NOTHING, minutes(5), HOURS, GOOGLE),
    line("application", "database-restore", release.Application(), NOTHING, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), LONG),
    line("health", "rollout", application.Health(), NOTHING, seconds(5), LONG),
    line("site-configuration", "health", site_configuration.SiteConfiguration(), NOTHING, seconds(10), SHORT),
    line("standby-database", "health", standby_database.StandbyOfFeature(), NOTHING, minutes(20), COPIED, GOOGLE),
))
# fmt: on


def _succeeded(operation: Operation) -> None:
    has_release(operation, "instance.restored")


RESTORE = Workflow(OperationKind.RESTORE, NODES, OnFailure.KEEP, _succeeded)
