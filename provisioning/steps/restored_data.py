"""A stand-in's databases: last night's backup of another instance's takes the place of what is in them.

What the backup holds is whole: databases, accounts and their passwords. The account gets the stand-in's own password.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from portal.core import clock
from provisioning.clients.google import NotFound, api, execute, pages
from provisioning.clients.google.operations import Operation, failure_of, is_done
from provisioning.clients.secrets import GoogleSecrets
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, NotYet, Refused, Seen, UnderWay
from provisioning.steps import names
from provisioning.steps.google import GoogleAction, changed, put_out
from provisioning.steps.sql import SqlAction, operation_of, operations_of, place

INPUT: Final = "backup"  # {"project", "instance"}: whose; {"id"}: which, else the newest automated one
FOUND_BY: Final = "last-backup"  # the step that puts out what is restored
FRESH: Final = timedelta(days=2)
AUTOMATED, SUCCESSFUL = "AUTOMATED", "SUCCESSFUL"
RESTORE: Final = "RESTORE_VOLUME"
SETS_PASSWORD: Final = {"CREATE_USER", "UPDATE_USER"}

Run = Mapping[str, Any]


class LastBackup(GoogleAction):
    """Last night's backup

    Which one is decided once, so that what is restored is what is told. One that is days old tells that Cloud SQL has
    stopped making them, which a rehearsal is there to find out.
    """

    def see(self, context: Context) -> Seen:
        try:
            run, server = _chosen(context), execute(_sql().instances().get(**_source(context)))
        except NotFound:
            raise Refused("What was to be restored is gone.", "Rehearse with another instance, or backup.") from None
        disk = int(server["settings"].get("dataDiskSizeGb", 0))
        return AsWanted({"backup": run["id"], "taken_at": run["startTime"], "disk_gb": disk})

    def resource(self, context: Context) -> str:
        source = _source(context)
        return f"//sqladmin.googleapis.com/projects/{source['project']}/instances/{source['instance']}/backupRuns"


class RestoredData(SqlAction):
    """Data of last night's backup"""

    def see_idle(self, context: Context) -> Seen:
        server = execute(_sql().instances().get(**place(context)))
        if server["state"] != "RUNNABLE":
            return UnderWay("the database server to run again")
        restores = [operation for operation in operations_of(context.spec) if operation["operationType"] == RESTORE]
        if any(failure_of(operation) is None for operation in restores):
            return AsWanted({"restored": put_out(context, FOUND_BY, "backup")})
        if restores:
            return Differs(f"restoring it failed: {failure_of(restores[-1])}")
        return Missing("Cloud SQL has restored nothing into the server")

    def create(self, context: Context) -> str:
        """The disk is first made as large as the original's, which has grown with its data: no smaller one will do."""
        server, backup = execute(_sql().instances().get(**place(context))), put_out(context, FOUND_BY, "backup")
        disk = int(put_out(context, FOUND_BY, "disk_gb"))
        if int(server["settings"]["dataDiskSizeGb"]) < disk:
            settings = {"dataDiskSizeGb": str(disk), "settingsVersion": server["settings"]["settingsVersion"]}
            execute(_sql().instances().patch(**place(context), body={"settings": settings}))
            return f"asked for a disk of {disk} GB"
        source = _source(context)
        origin = {"backupRunId": backup, "instanceId": source["instance"], "project": source["project"]}
        request = _sql().instances().restoreBackup(**place(context), body={"restoreBackupContext": origin})
        changed(context, request, [Change("contents", backup, None)], lambda name: operation_of(context, name))
        return f"asked Cloud SQL to restore backup {backup} of {source['project']}"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "sqladmin", f"instances/{names.sql_instance(context.spec)}")


class RestoredAccount(SqlAction):
    """Database account, with a password of its own

    A password cannot be read. That it is ours is told by who came last: the restore, or who set it.
    """

    def see_idle(self, context: Context) -> Seen:
        last = next(_deeds_to_passwords(context), None)
        if last is None:
            return Missing("Cloud SQL has restored nothing into the server, nor made an account")
        is_ours = last["operationType"] in SETS_PASSWORD
        return AsWanted() if is_ours else Differs("the account has the password of the original")

    def create(self, context: Context) -> str:
        password = GoogleSecrets(context.spec.id, context.spec.labels).read(names.DATABASE_PASSWORD)
        if password is None:
            raise NotYet("the generated password to be readable")
        users = _sql().users()
        try:
            execute(users.update(**place(context), name=names.DATABASE_USER, body={"password": password}))
        except NotFound:
            body = {"name": names.DATABASE_USER, "password": password}
            execute(users.insert(**place(context), body=body))
        return "set the password of the database account"

    def resource(self, context: Context) -> str:
        server = f"instances/{names.sql_instance(context.spec)}"
        return names.project_resource(context.spec, "sqladmin", f"{server}/users/{names.DATABASE_USER}")


def _sql() -> Any:
    return api("sqladmin", "v1")


def _source(context: Context) -> dict[str, str]:
    """Raises Refused when the operation does not name it."""
    named = context.inputs.get(INPUT, {})
    try:
        return {"project": named["project"], "instance": named["instance"]}
    except KeyError:
        raise Refused("The operation does not name whose backup to restore.", "Begin it from a rollout.") from None


def _chosen(context: Context) -> Run:
    """The one that is named, or else the newest automated one. Raises Refused where there is none that is good."""
    named, source = context.inputs.get(INPUT, {}).get("id"), _source(context)
    if named:
        run: Run = execute(_sql().backupRuns().get(**source, id=named))
        if run["status"] != SUCCESSFUL:
            raise Refused(f"Backup {named} is {run['status'].lower()}.", "Rehearse with another one.")
        return run
    good = [run for run in _runs(source) if (run["type"], run["status"]) == (AUTOMATED, SUCCESSFUL)]
    if not good:
        raise Refused(f"{source['project']} has no automated backup.", "Wait for a night; then see to its backups.")
    newest = max(good, key=lambda run: str(run["startTime"]))
    if clock.now() - datetime.fromisoformat(newest["startTime"]) > FRESH:
        why = f"The newest automated backup of {source['project']} is of {newest['startTime']}."
        raise Refused(why, "Find out why Cloud SQL makes none any more.")
    return newest


def _runs(source: Mapping[str, str]) -> Iterator[Run]:
    collection = _sql().backupRuns()
    for page in pages(collection, collection.list(**source)):
        yield from page.get("items", ())


def _deeds_to_passwords(context: Context) -> Iterator[Operation]:
    """What has set the account's password in the end, the newest first."""
    for operation in reversed(operations_of(context.spec)):
        if operation["operationType"] in {RESTORE, *SETS_PASSWORD} and is_done(operation) and not failure_of(operation):
            yield operation
