"""Kubernetes Engine: how a node pool changes. Its nodes are replaced one by one, or become more or fewer."""

from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.operations import outcome
from devcloud.google.services.cluster_operations import need_idle, start
from devcloud.google.services.machines import NODE_POOLS, cpus
from devcloud.google.services.networks import CLUSTERS
from devcloud.google.services.node_isolation import check_metadata, check_private
from devcloud.google.services.node_pools import check_growth, unknown_machine

_SMALLEST_DISK_GB = 10
# Of an update, what is the pool's own; what else devcloud knows of is in the nodes' configuration.
_OF_POOL = {"upgradeSettings", "nodeNetworkConfig"}
_OF_CONFIG = {"machineType", "diskSizeGb", "diskType", "imageType", "workloadMetadataConfig", "resourceLabels"}
# These go together; of the rest, one at a time.
_TOGETHER = {"machineType", "diskSizeGb", "diskType"}
_IGNORED = {"name", "etag"}


@implements("container.projects.locations.clusters.nodePools.setSize")
def _set_size(call: Call) -> Json:
    """`initialNodeCount` follows, as it does at Google."""
    changes = {"initialNodeCount": call.body["nodeCount"]}
    return _changed(call, "SET_NODE_POOL_SIZE", "container.nodepool.size", changes)


@implements("container.projects.locations.clusters.nodePools.setAutoscaling")
def _set_autoscaling(call: Call) -> Json:
    return _changed(call, "UPDATE_CLUSTER", "container.update", {"autoscaling": call.body["autoscaling"]})


@implements("container.projects.locations.clusters.nodePools.setManagement")
def _set_management(call: Call) -> Json:
    """On a release channel, nodes are always repaired and upgraded by themselves."""
    management = call.body["management"]
    cluster = resources.need(call, CLUSTERS, call["name"].partition("/nodePools/")[0])
    if cluster.get("releaseChannel", {}).get("channel") and not management.get("autoUpgrade"):
        message = "Auto_upgrade and auto_repair cannot be false when release_channel REGULAR is set."
        raise errors.invalid(message, "management")
    return _changed(call, "SET_NODE_POOL_MANAGEMENT", "container.update", {"management": management})


@implements("container.projects.locations.clusters.nodePools.update")
def _update(call: Call) -> Json:
    """What belongs to a node is changed by replacing the nodes, which takes minutes for each."""
    wanted = {name: value for name, value in call.body.items() if name not in _IGNORED}
    _check(wanted)
    cluster = resources.need(call, CLUSTERS, call["name"].partition("/nodePools/")[0])
    changes: Json = {name: value for name, value in wanted.items() if name in _OF_POOL}
    if network := changes.pop("nodeNetworkConfig", None):
        changes["networkConfig"] = _network(call, cluster, network)
    check_metadata(cluster, wanted.get("workloadMetadataConfig", {}))
    if config := {name: value for name, value in wanted.items() if name in _OF_CONFIG}:
        held = resources.need(call, NODE_POOLS, call["name"])["config"]
        changes["config"] = {**held, **_as_configured(config)}
    duration = "container.update" if set(changes) <= {"upgradeSettings"} else "container.nodepool.update"
    return _changed(call, "UPDATE_CLUSTER", duration, changes)


def _network(call: Call, cluster: Json, wanted: Json) -> Json:
    """Of the nodes' network only whether they have public addresses can change; which range pods are in cannot."""
    if unknown := set(wanted) - {"enablePrivateNodes"}:
        raise errors.invalid(f"devcloud does not know how to update {', '.join(sorted(unknown))}.", "update")
    check_private(cluster, is_private=wanted["enablePrivateNodes"])
    return {**resources.need(call, NODE_POOLS, call["name"]).get("networkConfig", {}), **wanted}


@outcome("container.pool_unchanged")
def _unchanged(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    """The change failed: the pool and its cluster run on as they were."""
    resources.replace(cloud, CLUSTERS, arguments["name"].partition("/nodePools/")[0], {"status": "RUNNING"})
    return resources.replace(cloud, NODE_POOLS, arguments["name"], {"status": "RUNNING"})


def _check(wanted: Json) -> None:
    if not wanted:
        raise errors.invalid("At least one of the node pool's fields must be updated.", "update")
    if unknown := set(wanted) - _OF_POOL - _OF_CONFIG:
        raise errors.invalid(f"devcloud does not know how to update {', '.join(sorted(unknown))}.", "update")
    if len(wanted) > 1 and not set(wanted) <= _TOGETHER:
        raise errors.invalid("Only one of the node pool's fields can be updated at a time.", "update")
    if "machineType" in wanted and cpus(wanted["machineType"]) is None:
        raise unknown_machine(wanted["machineType"])
    if int(wanted.get("diskSizeGb", _SMALLEST_DISK_GB)) < _SMALLEST_DISK_GB:
        raise errors.invalid("The smallest disk has 10 GB.", "disk_size_gb")


def _as_configured(update: Json) -> Json:
    """An update writes some things otherwise than the configuration does."""
    config = dict(update)
    if "diskSizeGb" in config:
        config["diskSizeGb"] = int(config["diskSizeGb"])
    if "resourceLabels" in config:
        config["resourceLabels"] = config["resourceLabels"].get("labels", {})
    return config


def _changed(call: Call, kind: str, duration: str, changes: Json) -> Json:
    """The pool is being changed; its cluster is busy with that, and nothing else can be done to either meanwhile."""
    name = call["name"]
    pool = resources.need(call, NODE_POOLS, name)
    cluster = name.partition("/nodePools/")[0]
    need_idle(call, cluster)
    check_growth(call, cluster, pool, {**pool, **changes})
    resources.replace(call.cloud, NODE_POOLS, name, {"status": "RECONCILING"})
    resources.replace(call.cloud, CLUSTERS, cluster, {"status": "RECONCILING"})
    done = ("container.pool_ready", {"name": name, "changes": changes})
    return start(call, name, kind, duration, done, ("container.pool_unchanged", {"name": name}))
