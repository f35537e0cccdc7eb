"""Kubernetes Engine: whether nodes have public addresses, and pods an identity of their own.

Both can be changed while a cluster runs. But one that was made private, with a block of addresses for its control
plane, has private nodes for ever. Source: the terraform provider, which updates pools by `nodeNetworkConfig` alone, and
https://github.com/GoogleCloudPlatform/cloud-foundation-fabric/issues/1807 for the refusal.
"""

from devcloud.google import errors, resources
from devcloud.google.call import Json


def is_private(cluster: Json) -> bool:
    """Whether nodes to come have no public address unless their pool says otherwise."""
    return bool(cluster.get("networkConfig", {}).get("defaultEnablePrivateNodes"))


def privately(cluster: Json, *, is_private: bool) -> Json:
    """The fields that tell it: the newer one, and the older one that mirrors it."""
    network = {**cluster.get("networkConfig", {}), "defaultEnablePrivateNodes": is_private}
    older = {**cluster.get("privateClusterConfig", {}), "enablePrivateNodes": is_private}
    return {"networkConfig": network, "privateClusterConfig": older}


def check_private(cluster: Json, *, is_private: bool) -> None:
    """Raises GoogleError 400 for public nodes in a cluster that was made private."""
    if not is_private and cluster.get("privateClusterConfig", {}).get("masterIpv4CidrBlock"):
        raise errors.invalid("EnablePrivateNodes must be enabled for private clusters with valid masterIpv4Cidr.")


def check_made(wanted: Json) -> None:
    """Raises GoogleError 400 for a new cluster that says it twice."""
    said = "enablePrivateNodes" in wanted.get("privateClusterConfig", {})
    if said and "defaultEnablePrivateNodes" in wanted.get("networkConfig", {}):
        message = "It is invalid to specify both PrivateClusterConfig.enablePrivateNodes and this field."
        raise errors.invalid(message, "cluster.network_config.default_enable_private_nodes")


def isolated(cluster: Json, pool: Json) -> Json:
    """The pool with what follows from its cluster. Raises GoogleError 400 for what its cluster does not allow."""
    network = {"enablePrivateNodes": is_private(cluster), **pool.get("networkConfig", {})}
    check_private(cluster, is_private=network["enablePrivateNodes"])
    mode = "GKE_METADATA" if has_identity(cluster) else "GCE_METADATA"
    config = resources.merged({"workloadMetadataConfig": {"mode": mode}}, pool["config"])
    check_metadata(cluster, config["workloadMetadataConfig"])
    return {**pool, "networkConfig": network, "config": config}


def has_identity(cluster: Json) -> bool:
    """Whether pods can have an identity of their own."""
    return bool(cluster.get("workloadIdentityConfig", {}).get("workloadPool"))


def check_metadata(cluster: Json, wanted: Json) -> None:
    """Raises GoogleError 400 for GKE's metadata server where the cluster has no workload identity."""
    if wanted.get("mode") == "GKE_METADATA" and not has_identity(cluster):
        message = "GKE_METADATA can only be enabled if Workload Identity is enabled at the cluster level."
        raise errors.invalid(message, "workload_metadata_config")
