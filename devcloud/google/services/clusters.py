"""Kubernetes Engine: clusters, one operation at a time."""

import base64
import re

from devcloud import leftovers
from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, operations, policies, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.operations import Work
from devcloud.google.regions import region_of, zones
from devcloud.google.services import node_pools
from devcloud.google.services.cluster_operations import cluster_id, need_idle, operation_name, start
from devcloud.google.services.compute import relative
from devcloud.google.services.machines import NODE_POOLS
from devcloud.google.services.networks import CLUSTERS, NETWORKS, SUBNETWORKS
from devcloud.google.services.node_isolation import check_made, has_identity, is_private, privately
from devcloud.google.services.remains import leave_remains
from devcloud.kubernetes.clusters import create_cluster, delete_cluster

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
DEFAULTS: Json = {
    "addonsConfig": {
        "dnsCacheConfig": {"enabled": True},
        "gcePersistentDiskCsiDriverConfig": {"enabled": True},
        "networkPolicyConfig": {"disabled": True},
    },
    "databaseEncryption": {"state": "DECRYPTED"},
    "defaultMaxPodsConstraint": {"maxPodsPerNode": "110"},
    "ipAllocationPolicy": {"stackType": "IPV4"},
    "loggingService": "logging.googleapis.com/kubernetes",
    "masterAuthorizedNetworksConfig": {"gcpPublicCidrsAccessEnabled": True},
    "monitoringService": "monitoring.googleapis.com/kubernetes",
    "releaseChannel": {"channel": "REGULAR"},
    "shieldedNodes": {"enabled": True},
}
_VERSION = re.compile(r"(1\.\d+)(\..*)?")
_DEFAULT_VERSION = "1.33"


@implements("container.projects.locations.clusters.create")
def _create(call: Call) -> Json:
    wanted: Json = call.body["cluster"]
    name = f"{call['parent']}/clusters/{wanted.get('name', '')}"
    if call.cloud.store.get(CLUSTERS, name):
        raise errors.GoogleError(409, "alreadyExists", f"Already exists: {name}.")
    body = _completed(call, name, wanted)
    pools = node_pools.checked(call, name, _pools(wanted), body)
    seconds = call.cloud.profile.seconds("container.cluster")
    resources.add(call, CLUSTERS, name, body, seconds=seconds)
    for pool in pools:
        node_pools.keep(call, name, pool, seconds)
    create_cluster(
        call.cloud,
        cluster_id(name),
        owner=call.project,
        minor_version=_minor(body["currentMasterVersion"]),
        ready_at=call.at + seconds,
        nodes=0,
    )
    failure = operations.changed(CLUSTERS, name, status="ERROR", statusMessage="The cluster could not be created.")
    return start(
        call, name, "CREATE_CLUSTER", "container.cluster", ("container.cluster_ready", {"name": name}), failure
    )


@implements("container.projects.locations.clusters.get")
def _get(call: Call) -> Json:
    return _written(call, resources.need(call, CLUSTERS, call["name"]), call["name"])


@implements("container.projects.locations.clusters.list")
def _list(call: Call) -> Json:
    """All places with `-`."""
    parent = call["parent"].removesuffix("/locations/-")
    found = call.cloud.store.items(CLUSTERS, f"{parent}/")
    return {"clusters": [_written(call, entry["body"], name) for name, entry in found]} if found else {}


@implements("container.projects.locations.clusters.delete")
def _delete(call: Call) -> Json:
    name = call["name"]
    need_idle(call, name)
    resources.replace(call.cloud, CLUSTERS, name, {"status": "STOPPING"})
    return start(call, name, "DELETE_CLUSTER", "delete.cluster", ("container.cluster_gone", {"name": name}))


@operations.outcome("container.cluster_ready")
def _ready(cloud: Cloud, at: float, arguments: Json) -> Json | None:
    """The cluster runs, its firewall rules stand, and GKE goes on with an operation of its own."""
    name = arguments["name"]
    body = resources.replace(cloud, CLUSTERS, name, {"status": "RECONCILING"}, ready=True)
    if has_identity(body):
        cloud.store.put(policies.IDENTITY_POOLS, name.split("/")[1], {"state": "ACTIVE"})
    for rule in _firewall_rules(name, body):
        network = body["networkConfig"]["network"]
        leftovers.leave(cloud, leftovers.FIREWALLS, rule, network=network, direction="INGRESS")
    for pool, _entry in cloud.store.items(NODE_POOLS, f"{name}/nodePools/"):
        resources.replace(cloud, NODE_POOLS, pool, {"status": "RUNNING"}, ready=True)
    node_pools.count_nodes(cloud, name)
    follow_up = Work(
        name=operation_name(name),
        kind="UPDATE_CLUSTER",
        target=name,
        seconds=cloud.profile.seconds("container.followup"),
        outcome=operations.changed(CLUSTERS, name, status="RUNNING"),
    )
    operations.begin(cloud, "container", name.split("/")[1], at, follow_up)
    return body


@operations.outcome("container.cluster_gone")
def _gone(cloud: Cloud, _at: float, arguments: Json) -> None:
    """The cluster and its node pools go. One of its firewall rules stays, as do the workload's disks and groups."""
    name = arguments["name"]
    entry = cloud.store.get(CLUSTERS, name)
    leave_remains(cloud, name)
    for rule in _firewall_rules(name, entry["body"])[:-1] if entry else []:
        cloud.store.delete(leftovers.FIREWALLS, rule)
    for pool, _document in cloud.store.items(NODE_POOLS, f"{name}/nodePools/"):
        cloud.store.delete(NODE_POOLS, pool)
    cloud.store.delete(CLUSTERS, name)
    delete_cluster(cloud, cluster_id(name))


def _pools(wanted: Json) -> list[Json]:
    if "nodePools" in wanted:
        if "initialNodeCount" in wanted or "nodeConfig" in wanted:
            raise errors.invalid("Cluster.initialNodeCount and Cluster.node_pools are mutually exclusive.", "cluster")
        return list(wanted["nodePools"])
    if wanted.get("autopilot", {}).get("enabled"):
        return []
    if not wanted.get("initialNodeCount"):
        raise errors.invalid("Cluster.initialNodeCount must be greater than zero.", "cluster.initial_node_count")
    pool = {
        "name": "default-pool",
        "initialNodeCount": wanted["initialNodeCount"],
        "config": wanted.get("nodeConfig", {}),
    }
    return [pool]


def _completed(call: Call, name: str, wanted: Json) -> Json:
    location, short = name.split("/")[3], name.rpartition("/")[2]
    if not _NAME.fullmatch(short):
        raise errors.invalid(f'Cluster.name "{short}" must have at most 40 lowercase letters, digits, hyphens.', "name")
    region = region_of(location)
    network = _network(call, wanted.get("network", "default"))
    subnetwork = _subnetwork(call, wanted, network, region)
    version = wanted.get("initialClusterVersion", "-")
    found = _VERSION.fullmatch(_DEFAULT_VERSION if version in {"-", "latest"} else version)
    if found is None:
        raise errors.invalid(f'Version "{version}" is invalid.', "cluster.initial_cluster_version")
    full_version = version if found[2] and version.count(".") > 1 else f"{found[1]}.4-gke.1055000"
    check_made(wanted)
    kept = {key: value for key, value in wanted.items() if key not in {"nodePools", "nodeConfig"}}
    made_private = wanted.get("privateClusterConfig", {}).get("enablePrivateNodes", is_private(wanted))
    isolation = privately(wanted, is_private=made_private)
    return {
        **resources.merged(DEFAULTS, kept),
        **isolation,
        "network": network.rpartition("/")[2],
        "subnetwork": subnetwork.rpartition("/")[2],
        "networkConfig": {**isolation["networkConfig"], "network": network, "subnetwork": subnetwork},
        "location": location,
        "zone": location,
        "locations": wanted.get("locations") or ([location] if location != region else zones(region)[:3]),
        "status": "PROVISIONING",
        "selfLink": f"{call.base_url}/v1/{name}",
        "createTime": rfc3339(call.at),
        "currentMasterVersion": full_version,
        "initialClusterVersion": full_version,
        "id": resources.etag() * 4,
        "etag": resources.etag(),
        "labelFingerprint": resources.etag()[:8],
    }


def _network(call: Call, reference: str) -> str:
    name = relative(reference) if "/" in reference else f"projects/{call.project}/global/networks/{reference}"
    resources.need_ready(call, NETWORKS, name, "cluster.network")
    return name


def _subnetwork(call: Call, wanted: Json, network: str, region: str) -> str:
    reference = wanted.get("subnetwork", "default")
    name = (
        relative(reference) if "/" in reference else f"projects/{call.project}/regions/{region}/subnetworks/{reference}"
    )
    subnetwork = resources.need_ready(call, SUBNETWORKS, name, "cluster.subnetwork")
    if relative(subnetwork["network"]) != network or name.split("/")[3] != region:
        raise errors.invalid(f"Subnetwork {name} is not in this network and region.", "cluster.subnetwork")
    ranges = {second["rangeName"] for second in subnetwork.get("secondaryIpRanges", [])}
    allocation = wanted.get("ipAllocationPolicy", {})
    for field in ("clusterSecondaryRangeName", "servicesSecondaryRangeName"):
        if field in allocation and allocation[field] not in ranges:
            message = f'Secondary range "{allocation[field]}" does not exist in subnetwork {name}.'
            raise errors.invalid(message, f"cluster.ip_allocation_policy.{field}")
    return name


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _firewall_rules(name: str, cluster: Json) -> list[str]:
    project, short = name.split("/")[1], name.rpartition("/")[2]
    return [
        f"projects/{project}/global/firewalls/gke-{short}-{cluster['id'][:8]}-{end}" for end in ("all", "master", "vms")
    ]


def _written(call: Call, cluster: Json, name: str) -> Json:
    """With its node pools; the endpoint is there once the control plane is up."""
    pools = resources.below(call, NODE_POOLS, f"{name}/nodePools/")
    written = {**cluster, "nodePools": pools}
    if cluster["status"] not in {"PROVISIONING", "ERROR"}:
        authority = base64.b64encode(call.cloud.certificate_authority.encode()).decode()
        written["endpoint"] = f"{call.cloud.addresses.https_authority}/clusters/{cluster_id(name)}"
        written["masterAuth"] = {"clusterCaCertificate": authority}
        written["currentNodeCount"] = sum(pool.get("initialNodeCount", 0) for pool in pools)
    return written
