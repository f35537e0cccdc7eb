"""What is asked of Google Kubernetes Engine: a cluster and its nodes as JSON, made of the instance's spec alone.

Whether nodes are private is said in three ways: of the cluster when it is made, of the cluster later (its nodes to come
are so), and of the nodes that are there. A cluster that was made private cannot have other nodes; one that was not, can
have either (400 "EnablePrivateNodes must be enabled for private clusters with valid masterIpv4Cidr").
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from provisioning.engine.action import Context
from provisioning.fleet.architectures import Architecture, architecture_of
from provisioning.steps import names
from provisioning.steps.executors import NODES, executors_of
from provisioning.steps.google import attempt

CONTROL_PLANE_BLOCKS = ("172.16.0.0/28", "172.16.0.16/28")  # of the two regions that an instance moves between
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LABELS = "resourceLabels"
PRIVATE_NODES = "networkConfig"
AUTOSCALING = "autoscaling"
ENFORCES_POLICIES = "ADVANCED_DATAPATH"
# Enough for two jobs at once and what Kubernetes itself needs; the disk holds images and the jobs' working copies.
EXECUTOR_MACHINE, EXECUTOR_DISK_GB = "e2-standard-4", 100
# What of a cluster can be changed: the field, and what an update calls it. An update takes one of them at a time.
_UPDATES = {
    "addonsConfig": "desiredAddonsConfig",
    "masterAuthorizedNetworksConfig": "desiredMasterAuthorizedNetworksConfig",
    "releaseChannel": "desiredReleaseChannel",
    "shieldedNodes": "desiredShieldedNodes",
    "workloadIdentityConfig": "desiredWorkloadIdentityConfig",
}
CHANGEABLE = (*_UPDATES, PRIVATE_NODES)


def cluster_body(context: Context) -> dict[str, Any]:
    """As it is made, with its nodes inline; zonal: the management fee is that of a regional one, the nodes a third.

    How packets find their way (GKE Dataplane V2, which enforces network policies) is decided here alone, and so is no
    setting that is compared: a cluster keeps what it was made with.
    """
    made = _cluster_settings(context)
    is_private = made[PRIVATE_NODES]["defaultEnablePrivateNodes"]
    made[PRIVATE_NODES] = {"datapathProvider": ENFORCES_POLICIES}
    if is_private:
        block = CONTROL_PLANE_BLOCKS[context.spec.takeovers % len(CONTROL_PLANE_BLOCKS)]
        made["privateClusterConfig"] = {"enablePrivateNodes": True, "masterIpv4CidrBlock": block}
    return {
        **made,
        LABELS: {**context.spec.labels, "attempt": attempt(context)},
        "nodePools": [pool_body(context)],
    }


def cluster_as_wanted(context: Context) -> dict[str, Any]:
    """As it is told afterwards. The nodes are a step of their own, and which try made it is no setting."""
    return {**_cluster_settings(context), LABELS: context.spec.labels}


def cluster_as_told(found: dict[str, Any]) -> dict[str, Any]:
    """What Google tells of a cluster, in the form of what is wanted, however the cluster became private."""
    made_so = found.get("privateClusterConfig", {}).get("enablePrivateNodes", False)
    is_private = found.get(PRIVATE_NODES, {}).get("defaultEnablePrivateNodes", made_so)
    return {**found, PRIVATE_NODES: {"defaultEnablePrivateNodes": is_private}}


def cluster_update(context: Context, field: str) -> dict[str, Any]:
    """The update that makes one changeable field as wanted."""
    wanted = _cluster_settings(context)[field]
    if field == PRIVATE_NODES:
        return {"desiredDefaultEnablePrivateNodes": wanted["defaultEnablePrivateNodes"]}
    return {_UPDATES[field]: wanted}


def pool_body(context: Context) -> dict[str, Any]:
    """The nodes, which are alike. Where pods have no identity of their own, they are the nodes' service account."""
    spec, architecture = context.spec, architecture_of(context.spec.architecture)
    return {
        "name": names.NODE_POOL,
        "initialNodeCount": 0 if spec.is_suspended else spec.size.node_count,
        # Their number is the size's alone: an autoscaler that somebody switched on would bring suspended ones back.
        AUTOSCALING: {"enabled": False},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"strategy": "SURGE", "maxSurge": 1, "maxUnavailable": 0},
        PRIVATE_NODES: {"enablePrivateNodes": architecture.private_nodes},
        "config": {
            "machineType": spec.size.machine_type,
            "diskSizeGb": spec.size.node_disk_gb,
            "diskType": "pd-balanced",
            "serviceAccount": names.account_email(spec, names.NODES_ACCOUNT),
            "oauthScopes": [SCOPE],
            "workloadMetadataConfig": {"mode": "GKE_METADATA" if architecture.workload_identity else "GCE_METADATA"},
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
            LABELS: {**spec.labels, "attempt": attempt(context)},
        },
    }


def executor_pool_body(context: Context) -> dict[str, Any]:
    """The executors' nodes: as the others but for their machine, and with a taint, so that nothing else lands there."""
    body = pool_body(context)
    taints = [{"key": key, "value": value, "effect": "NO_SCHEDULE"} for key, value in NODES.items()]
    machine = {"machineType": EXECUTOR_MACHINE, "diskSizeGb": EXECUTOR_DISK_GB, "labels": NODES, "taints": taints}
    count = 0 if context.spec.is_suspended else executors_of(context.spec)
    return {**body, "name": names.EXECUTOR_POOL, "initialNodeCount": count, "config": {**body["config"], **machine}}


def enforces_policies(cluster: Mapping[str, Any]) -> bool:
    """Whether a cluster, as Google tells of it, holds pods to network policies."""
    return bool(cluster.get(PRIVATE_NODES, {}).get("datapathProvider") == ENFORCES_POLICIES)


def _cluster_settings(context: Context) -> dict[str, Any]:
    spec, architecture = context.spec, architecture_of(context.spec.architecture)
    return {
        "name": names.CLUSTER,
        "network": names.network_path(spec.id),
        "subnetwork": f"projects/{spec.id}/regions/{spec.region}/subnetworks/{names.SUBNET}",
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": names.POD_RANGE,
            "servicesSecondaryRangeName": names.SERVICE_RANGE,
        },
        PRIVATE_NODES: {"defaultEnablePrivateNodes": architecture.private_nodes},
        "masterAuthorizedNetworksConfig": _authorized(settings.PORTAL_EGRESS_RANGES),
        "releaseChannel": {"channel": "REGULAR"},
        "workloadIdentityConfig": {"workloadPool": _workload_pool(spec.id, architecture)},
        "shieldedNodes": {"enabled": True},
        "addonsConfig": {
            "gkeBackupAgentConfig": {"enabled": architecture.backup_plan},
            "gcePersistentDiskCsiDriverConfig": {"enabled": True},
            "httpLoadBalancing": {"disabled": False},
        },
    }


def _workload_pool(project: str, architecture: Architecture) -> str:
    return f"{project}.svc.id.goog" if architecture.workload_identity else ""


def _authorized(ranges: list[str]) -> dict[str, Any]:
    blocks = [{"displayName": "portal", "cidrBlock": block} for block in ranges]
    return {"enabled": True, "cidrBlocks": blocks} if blocks else {"enabled": False}
