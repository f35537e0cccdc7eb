"""Backups of the databases before a change: made on demand by Cloud SQL, and removed when they are old."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from portal.core import clock
from provisioning.clients.google import api, execute, pages
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import GoogleAction, attempt

MARK: Final = "Made by the portal before a change: "  # then which operation's; a run has no labels
KEPT: Final = timedelta(days=14)
LEAST_KEPT: Final = 2
SUCCESSFUL = "SUCCESSFUL"
COMING = {"ENQUEUED", "OVERDUE", "RUNNING"}
GOING = {"DELETION_PENDING", "DELETED"}

Run = dict[str, Any]


class DatabaseBackup(GoogleAction):
    """Backup of the databases

    Asked for while another one is under way, Cloud SQL refuses: so that none is made twice before it can be seen.
    """

    def see(self, context: Context) -> Seen:
        runs = list(_runs(context.spec))
        ours = [run for run in runs if f"{MARK}{context.operation_id}-" in run.get("description", "")]
        if good := next((run for run in ours if run["status"] == SUCCESSFUL), None):
            return AsWanted({"backup": good["id"], "taken_at": good["startTime"], "old": _old(runs)})
        if any(run["status"] in COMING for run in ours):
            return UnderWay("Cloud SQL to back up the databases", seconds(60))
        if failed := next((run for run in ours if run["description"] == _description(context)), None):
            why = str(failed.get("error", {}).get("message") or "Google gives no reason").rstrip(".")
            raise Refused(f"The backup of the databases failed: {why}.", "Retry the step: it makes another.")
        return Missing("sqladmin.googleapis.com lists no backup of this operation's")

    def create(self, context: Context) -> str:
        execute(_backups().insert(**place(context.spec), body={"description": _description(context)}))
        return "asked for a backup of the databases"

    def resource(self, context: Context) -> str:
        return _resource(context.spec)


class OldBackups(GoogleAction):
    """Old backups of the databases

    Cloud SQL keeps what was made on demand for ever. Which are old was seen when the new one stood, so that Google is
    asked again only if some are. The newest two stay, however old: they may be all there is.
    """

    def see(self, context: Context) -> Seen:
        left = self._left(context)
        return Differs(f"{len(left)} of ours are older than {KEPT.days} days") if left else AsWanted()

    def create(self, context: Context) -> str:
        """The oldest goes; Cloud SQL takes one change at a time."""
        left = self._left(context)
        if not left:
            return "found none left"
        execute(_backups().delete(**place(context.spec), id=left[-1]))
        return f"asked for the deletion of backup {left[-1]}"

    def resource(self, context: Context) -> str:
        return _resource(context.spec)

    def _left(self, context: Context) -> list[str]:
        old = context.outputs.get("database-backup", {}).get("old", ())
        return (
            [run["id"] for run in _runs(context.spec) if run["id"] in old and run["status"] not in GOING] if old else []
        )


def place(spec: InstanceSpec) -> dict[str, str]:
    """Which Cloud SQL instance is meant, as the API's parameters say it."""
    return {"project": spec.id, "instance": names.sql_instance(spec)}


def last_backup_at(spec: InstanceSpec) -> datetime | None:
    """When the newest backup that succeeded was begun, whoever asked for it; None without one."""
    return next((_begun_at(run) for run in _runs(spec) if run["status"] == SUCCESSFUL), None)


def _backups() -> Any:
    return api("sqladmin", "v1").backupRuns()


def _runs(spec: InstanceSpec) -> Iterator[Run]:
    """The newest first."""
    for page in pages(_backups(), _backups().list(**place(spec))):
        yield from page.get("items", ())


def _old(runs: Iterable[Run]) -> list[str]:
    """The ids of those of ours that may go."""
    ours = [run for run in runs if run.get("description", "").startswith(MARK) and run["status"] not in GOING]
    good = [run["id"] for run in ours if run["status"] == SUCCESSFUL]
    before = clock.now() - KEPT
    return [run["id"] for run in ours if _begun_at(run) < before and run["id"] not in good[:LEAST_KEPT]]


def _begun_at(run: Run) -> datetime:
    return datetime.fromisoformat(run.get("startTime") or run["enqueuedTime"])


def _description(context: Context) -> str:
    return f"{MARK}{attempt(context)}"


def _resource(spec: InstanceSpec) -> str:
    return names.project_resource(spec, "sqladmin", f"instances/{names.sql_instance(spec)}/backupRuns")
