"""Upgrade: another version of the application on the same infrastructure.

What does not answer, is full, or was changed by hand is not upgraded. Both backups are made before the migration, and
the migration has succeeded before any workload changes. When anything fails, the values of before are applied again,
and the point of return, which is undone last, waits until the version of before answers; but not once the migration has
begun of a release on whose schema the version before cannot run: then it stops, and a person retries or restores.
"""

from dataclasses import replace

from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.fleet.releases import crosses_incompatible
from provisioning.models import Operation, OperationKind
from provisioning.steps import (
    application,
    capacity,
    database_backups,
    migration,
    outside,
    preflight,
    release,
    rollout,
    volume_backups,
)
from provisioning.workflows.table import GOOGLE, has_release, interrupting, line

SOON, SHORT, LONG = minutes(1), minutes(20), minutes(45)
HOURS = minutes(180)  # large tables are written anew, and large disks are copied
NOTHING = Undo.NOTHING  # it only watches, or is a backup, which expires
REVERT, REMOVE = Undo.REVERT, Undo.REMOVE
STAYS = "An old backup stays until the next upgrade."


def _leaves_no_way_back(operation: Operation) -> bool:
    """Whether the version before cannot run on the schema that the migration makes."""
    before, wanted = (operation.previous or operation.wanted), operation.wanted
    return crosses_incompatible(before["app_version"], wanted["app_version"])


# fmt: off
NODES = interrupting((
    line("preflight", "", preflight.Preflight(), NOTHING, seconds(2), SOON),
    line("capacity", "", capacity.Capacity(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("unchanged", "", preflight.Unchanged(), NOTHING, seconds(2), SHORT),
    line("point-of-return", "preflight capacity unchanged", preflight.PointOfReturn(), REVERT, seconds(2), LONG),
    line("database-backup", "point-of-return", database_backups.DatabaseBackup(), NOTHING, minutes(2), HOURS, GOOGLE),
    line("volume-backup", "point-of-return", volume_backups.BackupOfArchitecture(), NOTHING, minutes(3), HOURS, GOOGLE),
    replace(line("migration", "database-backup volume-backup", migration.Migration(), REMOVE, minutes(2), HOURS),
            point_of_no_return=_leaves_no_way_back),
    line("application", "migration", release.Application(), REVERT, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), LONG),
    line("health", "rollout", application.Health(), NOTHING, seconds(5), SHORT),
    line("uptime", "health", outside.Uptime(), NOTHING, seconds(3), SHORT),
    replace(line("old-backups", "uptime", database_backups.OldBackups(), NOTHING, seconds(2), SHORT, GOOGLE),
            gives_up=STAYS),
))
# fmt: on


def _succeeded(operation: Operation) -> None:
    has_release(operation, "instance.upgraded")


UPGRADE = Workflow(OperationKind.UPGRADE, NODES, OnFailure.UNDO, _succeeded)
