"""The Kubernetes cluster and its nodes: Google Kubernetes Engine."""

from typing import Any

from django.conf import settings

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.operations import failure_of
from provisioning.clients.google.problems import Problem
from provisioning.clients.kubernetes import kubeconfig
from provisioning.engine.action import AsWanted, Context, Differs, NotYet, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import GoogleAction, attempt

CONTROL_PLANE_BLOCK = "172.16.0.0/28"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_LIFETIME = "3600s"  # noqa: S105 - a duration
COMING = {"PROVISIONING": "to come up", "RECONCILING": "to finish a change of its own", "STOPPING": "to be gone"}
BROKEN = {"ERROR", "RUNNING_WITH_ERROR"}


class Cluster(GoogleAction):
    """Kubernetes cluster"""

    def see(self, context: Context) -> Seen:
        found = execute(_clusters().get(name=names.cluster_path(context.spec)))
        if not names.is_ours(found.get("resourceLabels"), context.spec):
            raise Refused("There is a cluster without our labels.", "Find out who made it; then retry.")
        if why := COMING.get(found["status"]):
            return UnderWay(f"the cluster {why}", seconds(20))
        if found["status"] in BROKEN:
            return Differs(f"it is broken: {_last_failure(names.cluster_path(context.spec))}")
        return AsWanted({"version": found.get("currentMasterVersion", "")})

    def create(self, context: Context) -> str:
        """Raises Refused when this very try has made a cluster that came to nothing; an older ruin is removed."""
        path = names.cluster_path(context.spec)
        try:
            found = execute(_clusters().get(name=path))
        except NotFound:
            body = {"cluster": _cluster_body(context)}
            execute(_clusters().create(parent=path.partition("/clusters/")[0], body=body))
            return "asked for the cluster"
        if found["status"] not in BROKEN:
            return "found it made already"
        _raise_if_of_this_try(context, found.get("resourceLabels", {}), path)
        execute(_clusters().delete(name=path))
        return "asked for the deletion of the broken cluster"

    def remove(self, context: Context) -> str:
        execute(_clusters().delete(name=names.cluster_path(context.spec)))
        return "asked for the deletion of the cluster"


class NodePool(GoogleAction):
    """Nodes"""

    def see(self, context: Context) -> Seen:
        found = execute(_clusters().nodePools().get(name=_pool_path(context.spec)))
        if why := COMING.get(found["status"]):
            return UnderWay(f"the nodes {why}", seconds(15))
        if found["status"] in BROKEN:
            return Differs(f"they are broken: {_last_failure(_pool_path(context.spec))}")
        return AsWanted({"machine_type": found["config"]["machineType"]})

    def create(self, context: Context) -> str:
        """They come with the cluster; only lost or broken ones are made here."""
        pools = _clusters().nodePools()
        try:
            found = execute(pools.get(name=_pool_path(context.spec)))
        except NotFound:
            body = {"nodePool": _pool_body(context)}
            execute(pools.create(parent=names.cluster_path(context.spec), body=body))
            return "asked for the nodes"
        if found["status"] not in BROKEN:
            return "found them made already"
        _raise_if_of_this_try(context, found["config"].get("resourceLabels", {}), _pool_path(context.spec))
        execute(pools.delete(name=_pool_path(context.spec)))
        return "asked for the deletion of the broken nodes"

    def remove(self, context: Context) -> str:
        execute(_clusters().nodePools().delete(name=_pool_path(context.spec)))
        return "asked for the deletion of the nodes"


def kubeconfig_of(spec: InstanceSpec) -> dict[str, Any]:
    """A kubeconfig with a token of the deployer's, good for an hour. NotFound when there is no usable cluster."""
    cluster = execute(_clusters().get(name=names.cluster_path(spec)))
    if cluster["status"] in BROKEN:
        raise NotFound(Problem(404, cluster["status"], "", "The cluster never came up"))
    if "endpoint" not in cluster:
        raise NotYet("the cluster to come up")
    certificate = cluster["masterAuth"]["clusterCaCertificate"]
    return kubeconfig(f"https://{cluster['endpoint']}", certificate, _token(spec))


def _token(spec: InstanceSpec) -> str:
    account = f"projects/-/serviceAccounts/{names.account_email(spec, names.DEPLOYER_ACCOUNT)}"
    body = {"scope": [SCOPE], "lifetime": TOKEN_LIFETIME}
    accounts = api("iamcredentials", "v1").projects().serviceAccounts()
    try:
        return str(execute(accounts.generateAccessToken(name=account, body=body))["accessToken"])
    except NotFound:
        raise NotYet("the deployer's account to be known everywhere") from None


def _clusters() -> Any:
    return api("container", "v1").projects().locations().clusters()


def _pool_path(spec: InstanceSpec) -> str:
    return f"{names.cluster_path(spec)}/nodePools/{names.NODE_POOL}"


def _raise_if_of_this_try(context: Context, labels: dict[str, str], path: str) -> None:
    """A ruin of this try is not tried again, unless what broke it was passing."""
    failure = _last_failure(path)
    if labels.get("attempt") == attempt(context) and (failure is None or isinstance(failure, Refused)):
        raise failure or Refused("Google could not make it, and gives no reason.", "Retry the step.")


def _last_failure(path: str) -> Exception | None:
    """Of the newest operation on it that failed."""
    collection = api("container", "v1").projects().locations().operations()
    answer = execute(collection.list(parent=path.partition("/clusters/")[0]))
    ours = [found for found in answer.get("operations", ()) if found.get("targetLink", "").endswith(path)]
    failures = [failure for found in sorted(ours, key=_started) if (failure := failure_of(found))]
    return failures[-1] if failures else None


def _started(operation: dict[str, Any]) -> str:
    return str(operation.get("startTime", ""))


def _cluster_body(context: Context) -> dict[str, Any]:
    """Private, zonal (the management fee is that of a regional one, the nodes a third), with its nodes inline."""
    spec = context.spec
    return {
        "name": names.CLUSTER,
        "network": names.network_path(spec.id),
        "subnetwork": f"projects/{spec.id}/regions/{spec.region}/subnetworks/{names.SUBNET}",
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": names.POD_RANGE,
            "servicesSecondaryRangeName": names.SERVICE_RANGE,
        },
        "privateClusterConfig": {"enablePrivateNodes": True, "masterIpv4CidrBlock": CONTROL_PLANE_BLOCK},
        "masterAuthorizedNetworksConfig": _authorized(settings.PORTAL_EGRESS_RANGES),
        "releaseChannel": {"channel": "REGULAR"},
        "workloadIdentityConfig": {"workloadPool": f"{spec.id}.svc.id.goog"},
        "shieldedNodes": {"enabled": True},
        "addonsConfig": {
            "gkeBackupAgentConfig": {"enabled": True},
            "gcePersistentDiskCsiDriverConfig": {"enabled": True},
            "httpLoadBalancing": {"disabled": False},
        },
        "resourceLabels": {**spec.labels, "attempt": attempt(context)},
        "nodePools": [_pool_body(context)],
    }


def _authorized(ranges: list[str]) -> dict[str, Any]:
    blocks = [{"displayName": "portal", "cidrBlock": block} for block in ranges]
    return {"enabled": True, "cidrBlocks": blocks} if blocks else {"enabled": False}


def _pool_body(context: Context) -> dict[str, Any]:
    spec = context.spec
    return {
        "name": names.NODE_POOL,
        "initialNodeCount": spec.size.node_count,
        "management": {"autoRepair": True, "autoUpgrade": True},
        "config": {
            "machineType": spec.size.machine_type,
            "diskSizeGb": spec.size.node_disk_gb,
            "diskType": "pd-balanced",
            "serviceAccount": names.account_email(spec, names.NODES_ACCOUNT),
            "oauthScopes": [SCOPE],
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
            "resourceLabels": {**spec.labels, "attempt": attempt(context)},
        },
    }
