"""Cloud SQL: the backup of every night, and how many of them are kept."""

from devcloud import timers
from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import resources
from devcloud.google.call import Json
from devcloud.google.services.connections import INSTANCES
from devcloud.google.services.sql_backups import BACKUPS, COPIES, copy_of
from devcloud.google.services.sql_settings import NIGHT, next_night

FAILING = "sql.failingNights"  # what the control API says of a project's backups


def set_failing(cloud: Cloud, project: str, *, fails: bool) -> None:
    """Whether the backups of this project's nights come to nothing from now on."""
    if fails:
        cloud.store.put(FAILING, project, {"fails": True})
    else:
        cloud.store.delete(FAILING, project)


@timers.action(NIGHT)
def _night(cloud: Cloud, at: float, arguments: Json) -> None:
    """What runs and is to be backed up is; the oldest that are too many go. The next night comes in any case."""
    name = arguments["name"]
    entry = cloud.store.get(INSTANCES, name)
    if entry is None:
        return
    settings = entry["body"]["settings"]
    timers.schedule(cloud, next_night(at, settings), NIGHT, arguments)
    runs = entry["body"]["state"] == "RUNNABLE" and settings["activationPolicy"] == "ALWAYS"
    if runs and settings["backupConfiguration"]["enabled"]:
        _back_up(cloud, at, name, entry["body"])
        _forget(cloud, name, settings["backupConfiguration"]["backupRetentionSettings"]["retainedBackups"])


def _back_up(cloud: Cloud, at: float, name: str, instance: Json) -> None:
    backup_id = resources.new_id()[:13]
    fails = cloud.store.get(FAILING, name.split("/")[1]) is not None
    body = {
        "kind": "sql#backupRun",
        "type": "AUTOMATED",
        "id": backup_id,
        "instance": name.rpartition("/")[2],
        "status": "FAILED" if fails else "SUCCESSFUL",
        "backupKind": "SNAPSHOT",
        "databaseVersion": instance["databaseVersion"],
        "location": "us",
        **dict.fromkeys(("enqueuedTime", "startTime", "windowStartTime", "endTime"), rfc3339(at)),
    }
    run = f"{name}/backupRuns/{backup_id}"
    cloud.store.put(BACKUPS, run, {"body": body, "visible_at": at, "ready": True})
    if not fails:
        cloud.store.put(COPIES, run, copy_of(cloud, name, instance))


def _forget(cloud: Cloud, name: str, kept: int) -> None:
    found = cloud.store.items(BACKUPS, f"{name}/backupRuns/")
    automated = [(entry["body"]["startTime"], run) for run, entry in found if _counts(entry["body"])]
    for _started, run in sorted(automated, reverse=True)[kept:]:
        for collection in (BACKUPS, COPIES):
            cloud.store.delete(collection, run)


def _counts(run: Json) -> bool:
    """Of the runs that are kept a number of, those count that one could go back to."""
    return (run["type"], run["status"]) == ("AUTOMATED", "SUCCESSFUL")
