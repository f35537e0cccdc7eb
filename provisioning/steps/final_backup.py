"""What is kept of a deleted instance for a while: its databases, exported by Cloud SQL before anything goes."""

from datetime import timedelta
from typing import Any, Final

from provisioning.clients.google import Forbidden, api, execute
from provisioning.clients.google.operations import failure_of
from provisioning.engine.action import (
    AsWanted,
    Change,
    Context,
    Differs,
    Missing,
    NotYet,
    Refused,
    Seen,
    UnderWay,
    seconds,
)
from provisioning.fleet.final_backups import ASKED, KEPT_DAYS, are_kept
from provisioning.steps import names
from provisioning.steps.backup_bucket import Stored, check_bucket, is_let_in, let_in, shut_out, stored, uri
from provisioning.steps.google import changed
from provisioning.steps.sql import COMING, SqlAction, operation_of, operations_of, place

NOT_ASKED: Final = "None was asked for."
NO_BUCKET: Final = "None was made: no bucket is set for final backups (GOOGLE_BACKUP_BUCKET)."
RUNS: Final = "ALWAYS"


class FinalBackup(SqlAction):
    """Final backup of the databases

    Each is an object in a bucket of the portal's own project, named after instance, operation and database. Only while
    they are written may the database server's account write there. Where there is no server, there is nothing to keep.
    """

    def look(self, context: Context) -> Seen:
        if not context.inputs.get(ASKED):
            return AsWanted({"confirmed": NOT_ASKED})
        if not are_kept():
            return AsWanted({"confirmed": NO_BUCKET})
        seen = super().look(context)
        if isinstance(seen, Missing):
            return AsWanted({"confirmed": f"There was nothing to back up: {seen.how}."})
        return seen

    def see_idle(self, context: Context) -> Seen:
        server = _server(context)
        if server["state"] in {*COMING, "PENDING_DELETE"}:
            return UnderWay("the database server to be at rest", seconds(20))
        if server["state"] != "RUNNABLE":
            what_to_do = "Mend it and retry the step; or skip it, and nothing is kept of the instance."
            raise Refused(f"The database server is {server['state'].lower()}, and cannot be read.", what_to_do)
        kept = _kept(context)
        if missing := [name for name, found in kept.items() if found is None]:
            return Differs(f"not exported: {', '.join(missing)}")
        if is_let_in(context.spec):
            return Differs("the database server may still write into the bucket")
        return AsWanted(_outputs(context, [found for found in kept.values() if found]))

    def create(self, context: Context) -> str:
        """The server runs, is let in, and exports one database after another; then it is shut out again."""
        check_bucket()
        server = _server(context)
        if server["settings"].get("activationPolicy") != RUNS:
            return _start(context, server)
        missing = next((name for name, found in _kept(context).items() if found is None), None)
        if missing is None:
            shut_out(context.spec)
            return "took from the database server the right to write into the bucket"
        if not is_let_in(context.spec):
            let_in(context.spec, server["serviceAccountEmailAddress"])
            return "let the database server write into the bucket"
        return _export(context, missing, reads_a_copy=self.reads_a_copy(context))

    def reads_a_copy(self, context: Context) -> bool:  # noqa: ARG002 - for who works with it while it is exported
        """Whether Cloud SQL makes a copy of the databases to read from, and leaves the server to its people."""
        return False


def _start(context: Context, server: dict[str, Any]) -> str:
    """Asks a stopped server to run. A teardown deletes it soon after; what else exports stops it again."""
    settings_wanted = {"activationPolicy": RUNS, "settingsVersion": server["settings"]["settingsVersion"]}
    execute(_instances().patch(**place(context), body={"settings": settings_wanted}))
    return "asked for the database server to run"


def _export(context: Context, database: str, *, reads_a_copy: bool) -> str:
    """Raises Refused where the same export has failed for good in this try."""
    to = uri(_object(context, database))
    wanted = {"fileType": "SQL", "uri": to, "databases": [database], "offload": reads_a_copy}
    request = _instances().export(**place(context), body={"exportContext": wanted})
    change = Change(f"export of {database}", to, None)
    try:
        changed(context, request, [change], lambda name: operation_of(context, name))
    except Forbidden as error:
        raise NotYet(f"the right to write into the bucket to be known to Cloud SQL ({error})", seconds(20)) from error
    return f"asked for the export of {database}"


def _kept(context: Context) -> dict[str, Stored | None]:
    """By database what is in the bucket; what an export has left that failed does not count."""
    failed = _failed(context)
    found: dict[str, Stored | None] = {}
    for database in names.DATABASES.values():
        name = _object(context, database)
        found[database] = None if uri(name) in failed else stored(name)
    return found


def _failed(context: Context) -> set[str]:
    """Where the newest export has failed."""
    ends: dict[str, bool] = {}
    for operation in operations_of(context.spec):
        if to := operation.get("exportContext", {}).get("uri"):
            ends[to] = failure_of(operation) is not None
    return {to for to, has_failed in ends.items() if has_failed}


def _outputs(context: Context, kept: list[Stored]) -> dict[str, Any]:
    """Where it is, how many bytes, of when and until when; `confirmed` for the certificate, in words."""
    taken_at, size = min(found.at for found in kept), sum(found.size for found in kept)
    until, where = taken_at + timedelta(days=KEPT_DAYS), uri(_folder(context))
    said = f"Kept: {len(kept)} databases, {size:,} bytes, of {taken_at:%-d %B %Y, %H:%M} UTC, until {until:%-d %B %Y}."
    dates = {"taken_at": taken_at.isoformat(), "kept_until": until.isoformat()}
    files = {"uri": where, "bytes": size, "databases": sorted(names.DATABASES.values())}
    return {**files, **dates, "resource": where, "confirmed": said}


def _object(context: Context, database: str) -> str:
    return f"{_folder(context)}{database}.sql.gz"


def _folder(context: Context) -> str:
    """What the names of all objects of this backup begin with."""
    return f"{context.spec.id}/{context.operation_id}/"


def _server(context: Context) -> dict[str, Any]:
    return execute(_instances().get(**place(context)))


def _instances() -> Any:
    return api("sqladmin", "v1").instances()
