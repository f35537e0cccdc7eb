"""The databases as they were: a backup takes the place of all that is in the server. What was written since is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.operations import Operation, failure_of, is_done
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, Refused, Seen, UnderWay, seconds
from provisioning.steps import names
from provisioning.steps.database_backups import SUCCESSFUL, place
from provisioning.steps.google import GoogleAction, changed

NAMED_BY = "database_backup"  # the input that names the backup


class BackupToRestore(GoogleAction):
    """Backup to restore

    It is there and good. What was restored before is noted, since Cloud SQL gives a restore no name of ours.
    """

    def see(self, context: Context) -> Seen:
        backup = _named(context)
        if not backup:
            return Missing("the operation names no backup")
        with _there(backup):
            run = execute(_sql().backupRuns().get(**place(context.spec), id=backup))
        if run["status"] != SUCCESSFUL:
            raise Refused(f"Backup {backup} is {run['status'].lower()}.", "Restore another one by hand.")
        before = [operation["name"] for operation in _restores(context)]
        return AsWanted({"backup": backup, "taken_at": run["startTime"], "restored_before": before})


class DatabaseRestore(GoogleAction):
    """Databases as they were"""

    def see(self, context: Context) -> Seen:
        known = context.outputs.get("backup", {}).get("restored_before", ())
        ours = [operation for operation in _restores(context) if operation["name"] not in known]
        if any(not is_done(operation) for operation in ours):
            return UnderWay("Cloud SQL to restore the backup", seconds(20))
        if any(failure_of(operation) is None for operation in ours):
            return AsWanted({"backup": _named(context)})
        if ours:
            return Differs(f"restoring it failed: {failure_of(ours[-1])}")
        return Missing("Cloud SQL has restored nothing since this began")

    def create(self, context: Context) -> str:
        """Raises Refused without a backup, for one that is gone, and for a restore of this try that failed for good."""
        backup = _named(context)
        if not backup:
            raise Refused("The operation names no backup to restore.", "Begin it from the failed upgrade.")
        source = {"backupRunId": backup, "instanceId": names.sql_instance(context.spec), "project": context.spec.id}
        request = _sql().instances().restoreBackup(**place(context.spec), body={"restoreBackupContext": source})
        with _there(backup):
            changed(context, request, [Change("contents", backup, None)], lambda name: _operation(context, name))
        return f"asked Cloud SQL to restore backup {backup}"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "sqladmin", f"instances/{names.sql_instance(context.spec)}")


@contextmanager
def _there(backup: str) -> Iterator[None]:
    """What Google does not find is that backup."""
    try:
        yield
    except NotFound:
        raise Refused(f"Backup {backup} is not there any more.", "Restore another one by hand.") from None


def _named(context: Context) -> str:
    return str(context.inputs.get(NAMED_BY) or "")


def _sql() -> Any:
    return api("sqladmin", "v1")


def _operation(context: Context, name: str) -> Any:
    return _sql().operations().get(project=context.spec.id, operation=name)


def _restores(context: Context) -> Iterator[Operation]:
    """Of the server, the oldest first."""
    found = execute(_sql().operations().list(**place(context.spec))).get("items", ())
    restores = (operation for operation in found if operation["operationType"] == "RESTORE_VOLUME")
    yield from sorted(restores, key=lambda operation: str(operation["insertTime"]))
