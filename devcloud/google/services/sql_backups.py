"""Cloud SQL: backups of an instance, and what comes back of them.

Of what is in an instance devcloud knows its databases, its accounts, and the version of the application's schema. A
backup holds that as it was at its start, and a restore puts it in place of whatever is there.
"""

from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.connections import INSTANCES
from devcloud.google.services.databases import CONTENTS, instance_of, need, need_idle, start
from devcloud.google.services.sql_replicas import check_no_replica, check_no_replicas
from devcloud.google.tenancy import find_project
from devcloud.schemas import schema_at, set_schema

BACKUPS = "sql.backupRuns"
COPIES = "sql.backupCopies"  # what a backup holds, by its full name


@implements("sql.backupRuns.insert")
def _insert(call: Call) -> Json:
    instance = need_idle(call)
    check_no_replica(instance)
    backup_id = resources.new_id()[:13]
    body = {
        "kind": "sql#backupRun",
        **call.body,
        "type": "ON_DEMAND",
        "id": backup_id,
        "instance": call["instance"],
        "status": "RUNNING",
        "backupKind": "SNAPSHOT",
        "databaseVersion": instance["databaseVersion"],
        "location": "us",
        "enqueuedTime": rfc3339(call.at),
        "startTime": rfc3339(call.at),
        "windowStartTime": rfc3339(call.at),
        "selfLink": f"{call.base_url}/v1/{_name(call, backup_id)}",
    }
    name, seconds = _name(call, backup_id), call.cloud.profile.seconds("sql.backup")
    resources.add(call, BACKUPS, name, body, seconds=seconds)
    call.cloud.store.put(COPIES, name, copy_of(call.cloud, instance_of(call), instance))
    ended = {"status": "SUCCESSFUL", "endTime": rfc3339(call.at + seconds)}
    error = {"kind": "sql#operationError", "code": "INTERNAL_ERROR", "message": "The backup could not be made."}
    failed = operations.changed(BACKUPS, name, status="FAILED", error=error)
    outcome = operations.changed(BACKUPS, name, **ended)
    details = {"backupContext": {"kind": "sql#backupContext", "backupId": backup_id}}
    return start(call, name, "BACKUP_VOLUME", "sql.backup", outcome, failed, details)


@implements("sql.backupRuns.get")
def _get(call: Call) -> Json:
    need(call)
    return resources.need(call, BACKUPS, _name(call, call["id"]))


@implements("sql.backupRuns.list")
def _list(call: Call) -> Json:
    """The newest first."""
    need(call)
    found = resources.below(call, BACKUPS, _name(call, ""))
    return resources.page(call, "items", sorted(found, key=lambda run: str(run["enqueuedTime"]), reverse=True))


@implements("sql.backupRuns.delete")
def _delete(call: Call) -> Json:
    need_idle(call, running=False)
    name = _name(call, call["id"])
    resources.need(call, BACKUPS, name)
    resources.replace(call.cloud, BACKUPS, name, {"status": "DELETION_PENDING"})
    failed = operations.changed(BACKUPS, name, status="DELETION_FAILED")
    return start(call, name, "DELETE_BACKUP", "delete.sql.backup", ("sql.backup_gone", {"name": name}), failed)


@implements("sql.instances.restoreBackup")
def _restore(call: Call) -> Json:
    """A backup of this instance or of another one overwrites all that is in it, which meanwhile takes nothing."""
    instance, name = need_idle(call), instance_of(call)
    check_no_replica(instance)
    check_no_replicas(instance)
    backup = _source(call)
    run = call.cloud.store.get(BACKUPS, backup)
    if run is None:
        raise errors.GoogleError(404, "backupRunDoesNotExist", "The backup run does not exist.")
    if run["body"]["status"] != "SUCCESSFUL":
        raise errors.invalid("Invalid request: Backup run is not successful.")
    if run["body"]["databaseVersion"] != instance["databaseVersion"]:
        raise errors.invalid("Invalid request: The database version of the backup is another than the instance's.")
    copy = call.cloud.store.get(COPIES, backup) or {}
    if copy["disk"] > _disk(instance):
        raise errors.invalid("Invalid request: The disk of the instance is smaller than the backup's.")
    resources.replace(call.cloud, INSTANCES, name, {"state": "MAINTENANCE"})
    outcome = ("sql.restored", {"name": name, "copy": copy})
    return start(
        call, name, "RESTORE_VOLUME", "sql.restore", outcome, operations.changed(INSTANCES, name, state="RUNNABLE")
    )


def copy_of(cloud: Cloud, name: str, instance: Json) -> Json:
    """What a backup of the instance holds that is made now."""
    return {**contents_of(cloud, name), "disk": _disk(instance)}


@operations.outcome("sql.backup_gone")
def _gone(cloud: Cloud, _at: float, arguments: Json) -> None:
    for collection in (BACKUPS, COPIES):
        cloud.store.delete(collection, arguments["name"])


@operations.outcome("sql.restored")
def _restored(cloud: Cloud, _at: float, arguments: Json) -> Json:
    name = arguments["name"]
    put_in_place(cloud, name, arguments["copy"])
    return resources.replace(cloud, INSTANCES, name, {"state": "RUNNABLE"})


def put_in_place(cloud: Cloud, name: str, copy: Json) -> None:
    """What `contents_of` tells takes the place of all that is in the instance."""
    for collection in CONTENTS:
        for key, _document in cloud.store.items(collection, f"{name}/"):
            cloud.store.delete(collection, key)
        for short, document in copy[collection].items():
            body = {
                **document["body"],
                **({"instance": name.rpartition("/")[2]} if "instance" in document["body"] else {}),
            }
            cloud.store.put(collection, f"{name}/{short}", {**document, "body": body})
    set_schema(cloud, name, copy["schema"])


def contents_of(cloud: Cloud, name: str) -> Json:
    """All that is in the instance by now, keyed without its name."""
    found: Json = {"schema": schema_at(cloud, name)}
    for collection in CONTENTS:
        kept = [(key, document) for key, document in cloud.store.items(collection, f"{name}/") if document["ready"]]
        found[collection] = {key.removeprefix(f"{name}/"): document for key, document in kept}
    return found


def _of_instance(document: Json, name: str) -> Json:
    body = document["body"]
    return {**document, "body": {**body, "instance": name.rpartition("/")[2]}} if "instance" in body else document


def _source(call: Call) -> str:
    """The full name of the backup that the body means."""
    context: Json = call.body.get("restoreBackupContext", {})
    if not context.get("backupRunId"):
        raise errors.GoogleError(400, "required", "Missing parameter: restoreBackupContext.backupRunId.")
    project = find_project(call.cloud, context.get("project") or call.project)
    if project is None:
        raise errors.not_found(f"projects/{context['project']}")
    instance = context.get("instanceId") or call["instance"]
    return f"projects/{project['projectId']}/instances/{instance}/backupRuns/{context['backupRunId']}"


def _disk(instance: Json) -> int:
    return int(instance["settings"]["dataDiskSizeGb"])


def _name(call: Call, backup_id: str) -> str:
    return f"{instance_of(call)}/backupRuns/{backup_id}"
