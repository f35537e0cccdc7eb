"""What the application's pods make of the schema of their database, and how they find it."""

import base64
from collections.abc import Iterator
from typing import Any

from devcloud import schemas
from devcloud.kubernetes.controllers.context import Context, image_tag
from devcloud.kubernetes.controllers.proxies import is_stopped, server_behind
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named

_HOST = "PGHOST"
_SQL_INSTANCES = "sql.instances"
OUT_OF_REACH = "out of reach"


def run_migrators(context: Context, pod: JSON, containers: str) -> None:
    """The migrators among these containers of the pod have brought the schema to their version."""
    found = [container for container in pod["spec"].get(containers, ()) if _image_name(container) == "migrator"]
    database = database_of(context, pod) if found else ""
    if database:
        for migrator in found:
            schemas.migrate(context.cloud, database, image_tag(migrator))


def is_out_of_reach(context: Context, pod: JSON) -> bool:
    """Whether it has a database and cannot get at it, so that it is restarted until it can."""
    return database_of(context, pod) == OUT_OF_REACH


def can_serve(context: Context, pod: JSON) -> bool:
    """Whether nothing in the schema keeps it from serving: only a frontend looks, and only one that has a database."""
    frontend = next((found for found in pod["spec"]["containers"] if _image_name(found) == "frontend"), None)
    version = image_tag(frontend) if frontend else ""
    database = database_of(context, pod) if schemas.order_of(version) else ""
    return not database or schemas.runs_on(context.cloud, database, version)


def database_of(context: Context, pod: JSON) -> str:
    """What its PGHOST leads to: a Cloud SQL instance of the cluster's project, or the disk of a Service's database.

    OUT_OF_REACH where that is a proxy which lets nobody in, or a server that is stopped.
    """
    namespace = pod["metadata"]["namespace"]
    host = next(filter(None, (value_of(context, namespace, entry) for entry in _environment(pod))), "")
    if not host:
        return ""
    if context.objects.get(kind_named("persistentvolumeclaims"), namespace, host):
        return disk_of(context, namespace, host)
    behind = server_behind(context, namespace, host)
    if behind is not None:
        return behind or OUT_OF_REACH
    project = context.cluster_id.partition(".")[0]
    for name, entry in context.cloud.store.items(_SQL_INSTANCES, f"projects/{project}/instances/"):
        if any(address["ipAddress"] == host for address in entry["body"].get("ipAddresses", ())):
            return OUT_OF_REACH if is_stopped(entry["body"]) else name
    return ""


def disk_of(context: Context, namespace: str, claim: str) -> str:
    """The database's name where it lies on a claim in the cluster."""
    return f"{context.cluster_id}/{namespace}/{claim}"


def _environment(pod: JSON) -> Iterator[JSON]:
    """Where its containers are told the database's host."""
    for container in [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]:
        yield from (entry for entry in container.get("env", ()) if entry["name"] == _HOST)


def value_of(context: Context, namespace: str, entry: JSON) -> str:
    """What a variable of a container is set to; empty where its Secret does not have it."""
    reference = entry.get("valueFrom", {}).get("secretKeyRef")
    if reference is None:
        return str(entry.get("value", ""))
    secret = context.objects.get(kind_named("secrets"), namespace, reference["name"])
    encoded = secret.get("data", {}).get(reference["key"], "") if secret else ""
    return base64.b64decode(encoded).decode()


def _image_name(container: Any) -> str:
    return str(container.get("image", "")).rpartition("/")[2].partition("@")[0].partition(":")[0]
