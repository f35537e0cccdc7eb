"""Kubernetes Engine: node pools, as they are made and deleted; how they change is in `node_pool_updates`."""

import re

from devcloud.cloud import Cloud
from devcloud.google import errors, operations, policies, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.regions import region_of
from devcloud.google.services.cluster_operations import cluster_id, need_idle, start
from devcloud.google.services.compute_inventory import QUOTAS
from devcloud.google.services.machines import NODE_POOLS, cpus, usage, weight
from devcloud.google.services.networks import CLUSTERS
from devcloud.google.services.node_isolation import isolated
from devcloud.kubernetes.clusters import NodeGroup, set_nodes

DEFAULTS: Json = {
    "config": {
        "machineType": "e2-medium",
        "diskSizeGb": 100,
        "diskType": "pd-balanced",
        "imageType": "COS_CONTAINERD",
        "metadata": {"disable-legacy-endpoints": "true"},
        "shieldedInstanceConfig": {"enableIntegrityMonitoring": True},
    },
    "management": {"autoRepair": True, "autoUpgrade": True},
    "maxPodsConstraint": {"maxPodsPerNode": "110"},
    "upgradeSettings": {"strategy": "SURGE", "maxSurge": 1},
}
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
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
    resources.replace(call.cloud, CLUSTERS, parent, {"status": "RECONCILING"})
    done, failed = ("container.pool_ready", {"name": name, "changes": {}}), ("container.pool_gone", {"name": name})
    return start(call, name, "CREATE_NODE_POOL", "container.nodepool", done, failed)


@implements("container.projects.locations.clusters.nodePools.get")
def _get(call: Call) -> Json:
    return resources.need(call, NODE_POOLS, call["name"])


@implements("container.projects.locations.clusters.nodePools.list")
def _list(call: Call) -> Json:
    found = resources.below(call, NODE_POOLS, f"{call['parent']}/nodePools/")
    return {"nodePools": found} if found else {}


@implements("container.projects.locations.clusters.nodePools.delete")
def _delete(call: Call) -> Json:
    name = call["name"]
    resources.need(call, NODE_POOLS, name)
    cluster = name.partition("/nodePools/")[0]
    need_idle(call, cluster)
    resources.replace(call.cloud, NODE_POOLS, name, {"status": "STOPPING"})
    resources.replace(call.cloud, CLUSTERS, cluster, {"status": "RECONCILING"})
    outcome = ("container.pool_gone", {"name": name})
    return start(call, name, "DELETE_NODE_POOL", "delete.nodepool", outcome)


@operations.outcome("container.pool_ready")
def _ready(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    name = arguments["name"]
    cluster = name.partition("/nodePools/")[0]
    body = resources.replace(cloud, NODE_POOLS, name, {**arguments["changes"], "status": "RUNNING"}, ready=True)
    resources.replace(cloud, CLUSTERS, cluster, {"status": "RUNNING"})
    count_nodes(cloud, cluster)
    return body


@operations.outcome("container.pool_gone")
def _gone(cloud: Cloud, _at: float, arguments: Json) -> None:
    cluster = arguments["name"].partition("/nodePools/")[0]
    cloud.store.delete(NODE_POOLS, arguments["name"])
    resources.replace(cloud, CLUSTERS, cluster, {"status": "RUNNING"})
    count_nodes(cloud, cluster)


def count_nodes(cloud: Cloud, cluster: str) -> None:
    """The Kubernetes side has as many nodes as the cluster's ready pools."""
    pools = [entry["body"] for _name, entry in cloud.store.items(NODE_POOLS, f"{cluster}/nodePools/") if entry["ready"]]
    set_nodes(cloud, cluster_id(cluster), [_nodes_of(pool) for pool in pools])


def _nodes_of(pool: Json) -> NodeGroup:
    """Its nodes as Kubernetes knows them: with the pool's labels, its name among them, and its taints."""
    count, config = pool.get("initialNodeCount", 0) * len(pool["locations"]), pool["config"]
    labels = {"cloud.google.com/gke-nodepool": pool["name"], **config.get("labels", {})}
    taints = [{**taint, "effect": _EFFECTS[taint["effect"]]} for taint in config.get("taints", ())]
    return NodeGroup(pool["name"], count, labels, tuple(taints))


def checked(call: Call, cluster_name: str, pools: list[Json], cluster: Json) -> list[Json]:
    """The pools with what Google fills in. Raises GoogleError for what can't be, or is beyond the region's quota."""
    completed = [_completed(call, cluster_name, pool, cluster) for pool in pools]
    used = usage(call.cloud, call.project, region_of(cluster_name.split("/")[3]))
    for pool in completed:
        add_to(used, weight(pool, len(pool["locations"])))
    return completed


def check_growth(call: Call, cluster_name: str, before: Json, after: Json) -> None:
    """Raises GoogleError 403 where the changed pool is beyond the region's quota, and was not so before."""
    used = usage(call.cloud, call.project, region_of(cluster_name.split("/")[3]))
    held = weight(before, len(before["locations"]))
    wanted = weight(after, len(after["locations"]))
    grown = {metric: amount - held.get(metric, 0.0) for metric, amount in wanted.items()}
    add_to(used, {metric: amount for metric, amount in grown.items() if amount > 0})


def add_to(used: dict[str, float], amounts: dict[str, float]) -> None:
    """Raises GoogleError 403 for what is beyond the region's quota."""
    for metric, amount in amounts.items():
        used[metric] = used.get(metric, 0.0) + amount
        if used[metric] > QUOTAS[metric]:
            raise _beyond_quota(metric, amount, used[metric])


def keep(call: Call, cluster_name: str, pool: Json, seconds: float) -> None:
    """The pool is provisioning."""
    resources.add(call, NODE_POOLS, f"{cluster_name}/nodePools/{pool['name']}", pool, seconds=seconds)


def _completed(call: Call, cluster_name: str, wanted: Json, cluster: Json) -> Json:
    short = wanted.get("name", "")
    if not _NAME.fullmatch(short):
        raise errors.invalid(
            f'Node pool name "{short}" must have at most 40 letters, digits, hyphens.', "node_pool.name"
        )
    config = resources.merged(DEFAULTS["config"], wanted.get("config", {}))
    if cpus(config["machineType"]) is None:
        raise unknown_machine(config["machineType"])
    account = config.setdefault("serviceAccount", "default")
    if account != "default" and not policies.account_exists(call, account):
        raise errors.invalid(f'The user does not have access to service account "{account}", or it does not exist.')
    if "initialNodeCount" not in wanted and not wanted.get("autoscaling", {}).get("enabled"):
        raise errors.invalid("NodePool.initialNodeCount must be given.", "node_pool.initial_node_count")
    pool = {
        "initialNodeCount": wanted.get("autoscaling", {}).get("minNodeCount", 0),
        **resources.merged(DEFAULTS, wanted),
        "config": config,
        "locations": wanted.get("locations") or cluster["locations"],
        "status": "PROVISIONING",
        "version": cluster["currentMasterVersion"],
        "selfLink": f"{call.base_url}/v1/{cluster_name}/nodePools/{short}",
        "etag": resources.etag(),
    }
    return isolated(cluster, pool)


def unknown_machine(name: str) -> errors.GoogleError:
    return errors.invalid(f"Machine type with name '{name}' does not exist.", "config.machine_type")


def _beyond_quota(metric: str, amount: float, wanted: float) -> errors.GoogleError:
    quota = QUOTAS[metric]
    message = (
        f"Insufficient regional quota to satisfy request: resource \"{metric}\": request requires '{amount}' and is "
        f"short '{wanted - quota}'. project has a quota of '{quota}' with '{quota - wanted + amount}' available."
    )
    return errors.forbidden(message)
