"""Kubernetes Engine: node pools. `initialNodeCount` follows each change of size, as it does at Google."""

import re

from devcloud.cloud import Cloud
from devcloud.google import errors, operations, policies, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.regions import region_of
from devcloud.google.services.cluster_operations import cluster_id, need_idle, start
from devcloud.google.services.compute_inventory import QUOTAS
from devcloud.google.services.machines import NODE_POOLS, cpus, usage, weight
from devcloud.kubernetes.clusters import set_node_count

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")


@implements("container.projects.locations.clusters.nodePools.create")
def _create(call: Call) -> Json:
    parent = call["parent"]
    cluster = need_idle(call, parent)
    wanted = call.body["nodePool"]
    name = f"{parent}/nodePools/{wanted.get('name', '')}"
    if call.cloud.store.get(NODE_POOLS, name):
        raise errors.GoogleError(409, "alreadyExists", f"Already exists: {name}.")
    [pool] = checked(call, parent, [wanted], cluster)
    keep(call, parent, pool, call.cloud.profile.seconds("container.nodepool"))
    return _start(call, name, "CREATE_NODE_POOL", "container.nodepool", {}, operations.gone(NODE_POOLS, name))


@implements("container.projects.locations.clusters.nodePools.get")
def _get(call: Call) -> Json:
    return resources.need(call, NODE_POOLS, call["name"])


@implements("container.projects.locations.clusters.nodePools.list")
def _list(call: Call) -> Json:
    found = resources.below(call, NODE_POOLS, f"{call['parent']}/nodePools/")
    return {"nodePools": found} if found else {}


@implements("container.projects.locations.clusters.nodePools.setSize")
def _set_size(call: Call) -> Json:
    name = _need_idle(call)
    return _start(call, name, "SET_NODE_POOL_SIZE", "container.update", {"initialNodeCount": call.body["nodeCount"]})


@implements("container.projects.locations.clusters.nodePools.setAutoscaling")
def _set_autoscaling(call: Call) -> Json:
    name = _need_idle(call)
    return _start(call, name, "UPDATE_CLUSTER", "container.update", {"autoscaling": call.body["autoscaling"]})


@implements("container.projects.locations.clusters.nodePools.update")
def _update(call: Call) -> Json:
    """What belongs to a node's configuration, and the version."""
    name = _need_idle(call)
    config = resources.need(call, NODE_POOLS, name)["config"]
    wanted = {key: value for key, value in call.body.items() if key not in {"nodeVersion", "locations", "name"}}
    if "machineType" in wanted and cpus(wanted["machineType"]) is None:
        raise _unknown_machine(wanted["machineType"])
    return _start(call, name, "UPDATE_CLUSTER", "container.nodepool", {"config": {**config, **wanted}})


@implements("container.projects.locations.clusters.nodePools.delete")
def _delete(call: Call) -> Json:
    name = _need_idle(call)
    resources.replace(call.cloud, NODE_POOLS, name, {"status": "STOPPING"})
    outcome = ("container.pool_gone", {"name": name})
    return start(call, name, "DELETE_NODE_POOL", "delete.nodepool", outcome)


@operations.outcome("container.pool_ready")
def _ready(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    name = arguments["name"]
    body = resources.replace(cloud, NODE_POOLS, name, {**arguments["changes"], "status": "RUNNING"}, ready=True)
    count_nodes(cloud, name.partition("/nodePools/")[0])
    return body


@operations.outcome("container.pool_gone")
def _gone(cloud: Cloud, _at: float, arguments: Json) -> None:
    cloud.store.delete(NODE_POOLS, arguments["name"])
    count_nodes(cloud, arguments["name"].partition("/nodePools/")[0])


def count_nodes(cloud: Cloud, cluster: str) -> None:
    """The Kubernetes side has as many nodes as the cluster's ready pools."""
    pools = [entry["body"] for _name, entry in cloud.store.items(NODE_POOLS, f"{cluster}/nodePools/") if entry["ready"]]
    total = sum(pool.get("initialNodeCount", 0) * len(pool["locations"]) for pool in pools)
    set_node_count(cloud, cluster_id(cluster), total)


def checked(call: Call, cluster_name: str, pools: list[Json], cluster: Json) -> list[Json]:
    """The pools with what Google fills in. Raises GoogleError for what can't be, or is beyond the region's quota."""
    completed = [_completed(call, cluster_name, pool, cluster) for pool in pools]
    region = region_of(cluster_name.split("/")[3])
    used = usage(call.cloud, call.project, region)
    for pool in completed:
        for metric, amount in weight(pool, len(pool["locations"])).items():
            used[metric] = used.get(metric, 0.0) + amount
            if used[metric] > QUOTAS[metric]:
                raise _beyond_quota(metric, amount, used[metric])
    return completed


def keep(call: Call, cluster_name: str, pool: Json, seconds: float) -> None:
    """The pool is provisioning."""
    resources.add(call, NODE_POOLS, f"{cluster_name}/nodePools/{pool['name']}", pool, seconds=seconds)


def _completed(call: Call, cluster_name: str, wanted: Json, cluster: Json) -> Json:
    short = wanted.get("name", "")
    if not _NAME.fullmatch(short):
        raise errors.invalid(
            f'Node pool name "{short}" must have at most 40 letters, digits, hyphens.', "node_pool.name"
        )
    config = {"machineType": "e2-medium", "diskSizeGb": 100, "diskType": "pd-balanced", **wanted.get("config", {})}
    if cpus(config["machineType"]) is None:
        raise _unknown_machine(config["machineType"])
    account = config.setdefault("serviceAccount", "default")
    if account != "default" and not policies.account_exists(call, account):
        raise errors.invalid(f'The user does not have access to service account "{account}", or it does not exist.')
    if "initialNodeCount" not in wanted and not wanted.get("autoscaling", {}).get("enabled"):
        raise errors.invalid("NodePool.initialNodeCount must be given.", "node_pool.initial_node_count")
    return {
        "initialNodeCount": wanted.get("autoscaling", {}).get("minNodeCount", 0),
        **wanted,
        "config": config,
        "locations": wanted.get("locations") or cluster["locations"],
        "status": "PROVISIONING",
        "version": cluster["currentMasterVersion"],
        "selfLink": f"{call.base_url}/v1/{cluster_name}/nodePools/{short}",
        "etag": resources.etag(),
    }


def _need_idle(call: Call) -> str:
    """The pool's full name. Raises GoogleError where it isn't there, or its cluster is busy."""
    name = call["name"]
    resources.need(call, NODE_POOLS, name)
    need_idle(call, name.partition("/nodePools/")[0])
    return name


def _start(
    call: Call, name: str, kind: str, duration: str, changes: Json, failure: tuple[str, Json] | None = None
) -> Json:
    outcome = ("container.pool_ready", {"name": name, "changes": changes})
    return start(call, name, kind, duration, outcome, failure)


def _unknown_machine(name: str) -> errors.GoogleError:
    return errors.invalid(f"Machine type with name '{name}' does not exist.", "config.machine_type")


def _beyond_quota(metric: str, amount: float, wanted: float) -> errors.GoogleError:
    quota = QUOTAS[metric]
    message = (
        f"Insufficient regional quota to satisfy request: resource \"{metric}\": request requires '{amount}' and is "
        f"short '{wanted - quota}'. project has a quota of '{quota}' with '{quota - wanted + amount}' available."
    )
    return errors.forbidden(message)
