"""Cloud SQL: a replica becomes a server of its own."""

from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.connections import INSTANCES
from devcloud.google.services.databases import instance_of, need_idle, start
from devcloud.google.services.sql_backups import contents_of, put_in_place
from devcloud.google.services.sql_replicas import PRIMARY, is_replica, let_go, primary_name


@implements("sql.instances.promoteReplica")
def _promote(call: Call) -> Json:
    """Whether its primary still answers or not."""
    replica, name = need_idle(call), instance_of(call)
    if not is_replica(replica):
        raise errors.invalid("Invalid request: The requested operation is only valid for a replica instance.")
    return start(call, name, "PROMOTE_REPLICA", "sql.restart", ("sql.promoted", {"name": name}))


@operations.outcome("sql.promoted")
def _promoted(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    """It holds what its primary held, and is backed up at night once that is switched on."""
    name = arguments["name"]
    entry = cloud.store.get(INSTANCES, name)
    if entry is None:
        return None
    project = name.split("/")[1]
    put_in_place(cloud, name, contents_of(cloud, primary_name(project, entry["body"])))
    let_go(cloud, project, entry["body"])
    return resources.replace(cloud, INSTANCES, name, {"instanceType": PRIMARY, "masterInstanceName": None})
