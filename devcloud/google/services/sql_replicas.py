"""Cloud SQL: read replicas, and what a primary cannot do while it has some.

Sources: cloud.google.com/sql/docs/postgres/delete-instance (a primary with replicas stays; the name of a deleted
replica is free at once), start-stop-restart-instance (neither a replica nor its primary can be stopped), replication
and replication/create-replica, read December 2026. PostgreSQL does not follow a primary of more memory than its own,
since max_connections goes by that: here such a tier is refused, where Google may let the replica break.
"""

import re
from collections.abc import Callable

from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json
from devcloud.google.services.connections import INSTANCES

MOST = 10  # replicas of one primary
REPLICA, PRIMARY = "READ_REPLICA_INSTANCE", "CLOUD_SQL_INSTANCE"
_TIER = re.compile(r"db-custom-(\d+)-(\d+)")
_INVALID = "The requested operation is not valid for a replication master instance."


def is_replica(instance: Json) -> bool:
    """Whether it follows another instance."""
    return instance.get("instanceType") == REPLICA


def primary_name(project: str, instance: Json) -> str:
    """The full name of whom it follows; Google writes it with the project, callers may leave that out."""
    return f"projects/{project}/instances/{str(instance['masterInstanceName']).rpartition(':')[2]}"


def replica_fields(call: Call, body: Json) -> Json:
    """What Google fills in of a new replica, and what it checks. Raises GoogleError."""
    name = primary_name(call.project, body)
    entry = call.cloud.store.get(INSTANCES, name)
    if entry is None:
        raise errors.GoogleError(404, "instanceDoesNotExist", "The primary instance does not exist.")
    primary = entry["body"]
    if is_replica(primary):
        raise errors.invalid("Invalid request: A replica of a replica of this version is not supported.")
    if primary["state"] != "RUNNABLE" or primary["settings"]["activationPolicy"] == "NEVER":
        raise errors.invalid("Invalid request: The primary instance is not running.")
    if len(primary.get("replicaNames", [])) >= MOST:
        raise errors.invalid(f"Invalid request: An instance has {MOST} replicas at most.")
    if body["databaseVersion"] != primary["databaseVersion"]:
        raise errors.invalid("Invalid request: The database version of a replica is its primary's.")
    check_follows(body["settings"], primary["settings"])
    return {"instanceType": REPLICA, "masterInstanceName": f"{call.project}:{name.rpartition('/')[2]}"}


def check_follows(replica: Json, primary: Json) -> None:
    """Raises GoogleError 400 for settings with which a replica could not follow a primary of those settings."""
    if replica["backupConfiguration"].get("enabled"):
        raise errors.invalid("Invalid request: Backups cannot be enabled on a read replica instance.")
    if replica.get("activationPolicy") == "NEVER":
        raise errors.invalid("Invalid request: A read replica instance cannot be stopped.")
    if int(replica["dataDiskSizeGb"]) < int(primary["dataDiskSizeGb"]):
        raise errors.invalid("Invalid request: The disk of a read replica is at least as large as its primary's.")
    if memory_of(replica["tier"]) < memory_of(primary["tier"]):
        message = f"Invalid request: Tier {replica['tier']} is too small to follow {primary['tier']} (max_connections)."
        raise errors.invalid(message)


def check_change_with_replicas(cloud: Cloud, project: str, instance: Json, settings: Json) -> None:
    """Raises GoogleError 400 for a change that a replica, or the replicas of a primary, stand in the way of."""
    if is_replica(instance):
        entry = cloud.store.get(INSTANCES, primary_name(project, instance))
        if entry:
            check_follows(settings, entry["body"]["settings"])
        return
    replicas = _replicas(cloud, project, instance)
    if replicas and settings.get("activationPolicy") == "NEVER":
        raise errors.invalid("Invalid request: An instance with read replicas cannot be stopped.")
    for replica in replicas:
        # The replicas' disks grow with their primary's.
        grown = {**settings, "dataDiskSizeGb": replica["settings"]["dataDiskSizeGb"]}
        check_follows(replica["settings"], grown)


def check_no_replicas(instance: Json) -> None:
    """Raises GoogleError 400 for one that is followed."""
    if instance.get("replicaNames"):
        raise errors.GoogleError(400, "errorReplicationMasterInvalidOperation", _INVALID)


def check_no_replica(instance: Json) -> None:
    """Raises GoogleError 400 for one that follows another: nothing is written there, and nothing backed up."""
    if is_replica(instance):
        raise errors.invalid("Invalid request: The requested operation is not valid for a replica instance.")


def grow_replicas(cloud: Cloud, project: str, instance: Json, disk_gb: str) -> None:
    """Those that follow it have a disk that is as large at least."""
    for replica in _replicas(cloud, project, instance):
        if int(replica["settings"]["dataDiskSizeGb"]) < int(disk_gb):
            name = f"projects/{project}/instances/{replica['name']}"
            resources.replace(cloud, INSTANCES, name, {"settings": {**replica["settings"], "dataDiskSizeGb": disk_gb}})


def follow(cloud: Cloud, project: str, replica: Json) -> None:
    """Its primary, if it is there, names it."""
    _set_replicas(cloud, project, replica, lambda names: [*names, replica["name"]])


def let_go(cloud: Cloud, project: str, replica: Json) -> None:
    """Its primary, if it is there, names it no more."""
    _set_replicas(cloud, project, replica, lambda names: [name for name in names if name != replica["name"]])


def memory_of(tier: str) -> int:
    """In MB; 0 for a shared core, which has less than any other."""
    found = _TIER.fullmatch(tier)
    return int(found[2]) if found else 0


def _set_replicas(cloud: Cloud, project: str, replica: Json, changed: Callable[[list[str]], list[str]]) -> None:
    primary = primary_name(project, replica)
    if entry := cloud.store.get(INSTANCES, primary):
        named = changed(entry["body"].get("replicaNames", []))
        resources.replace(cloud, INSTANCES, primary, {"replicaNames": named or None})


def _replicas(cloud: Cloud, project: str, instance: Json) -> list[Json]:
    entries = [
        cloud.store.get(INSTANCES, f"projects/{project}/instances/{name}") for name in instance.get("replicaNames", ())
    ]
    return [entry["body"] for entry in entries if entry]
