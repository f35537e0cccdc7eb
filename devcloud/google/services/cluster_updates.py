"""Kubernetes Engine: what of a cluster can be changed while it runs, one thing at a time."""

from devcloud.google import errors, operations, policies, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.cluster_operations import need_idle, start
from devcloud.google.services.machines import NODE_POOLS
from devcloud.google.services.networks import CLUSTERS
from devcloud.google.services.node_isolation import check_private, privately

# What an update calls it, and the cluster's field. The others of the schema are refused rather than ignored.
_FIELDS = {
    "desiredAddonsConfig": "addonsConfig",
    "desiredLoggingService": "loggingService",
    "desiredMasterAuthorizedNetworksConfig": "masterAuthorizedNetworksConfig",
    "desiredMonitoringService": "monitoringService",
    "desiredReleaseChannel": "releaseChannel",
    "desiredShieldedNodes": "shieldedNodes",
    "desiredWorkloadIdentityConfig": "workloadIdentityConfig",
}
_MERGED = {"desiredAddonsConfig"}  # what is not mentioned stays


@implements("container.projects.locations.clusters.update")
def _update(call: Call) -> Json:
    """Exactly one update with each request."""
    name = call["name"]
    cluster = need_idle(call, name)
    if len(call.body["update"]) != 1:
        raise errors.invalid("Exactly one update can be applied to a cluster with each request.", "update")
    [(desired, value)] = call.body["update"].items()
    if desired == "desiredDefaultEnablePrivateNodes":
        check_private(cluster, is_private=value)
        return _reconciled(call, name, "UPDATE_CLUSTER", privately(cluster, is_private=value))
    field = _FIELDS.get(desired)
    if field is None:
        raise errors.invalid(f"devcloud does not know how to update {desired}.", "update")
    if field == "workloadIdentityConfig":
        value = _identity(call, name, value)
    if desired in _MERGED:
        value = resources.merged(cluster.get(field, {}), value)
    return _reconciled(call, name, "UPDATE_CLUSTER", {field: value})


@implements("container.projects.locations.clusters.setResourceLabels")
def _set_labels(call: Call) -> Json:
    """All labels are the given ones. Refused where they were changed since they were read."""
    name = call["name"]
    if call.body["labelFingerprint"] != need_idle(call, name)["labelFingerprint"]:
        raise errors.precondition("Labels could not be set due to fingerprint mismatch.")
    labels = {"resourceLabels": call.body["resourceLabels"], "labelFingerprint": resources.etag()[:8]}
    return _reconciled(call, name, "SET_LABELS", labels)


def _identity(call: Call, name: str, wanted: Json) -> Json | None:
    """The project's own pool; or none, which only a cluster can have none of whose pools needs it."""
    pool = wanted.get("workloadPool")
    if pool and pool != f"{call.project}.svc.id.goog":
        raise errors.invalid(f"Workload pool {pool} is not {call.project}.svc.id.goog.", "update")
    if pool:
        call.cloud.store.put(policies.IDENTITY_POOLS, call.project, {"state": "ACTIVE"})
        return {"workloadPool": pool}
    for other, entry in call.cloud.store.items(NODE_POOLS, f"{name}/nodePools/"):
        if entry["body"]["config"].get("workloadMetadataConfig", {}).get("mode") == "GKE_METADATA":
            message = f"Workload Identity is in use by node pool {other.rpartition('/')[2]}: disable it there first."
            raise errors.precondition(message)
    return None


def _reconciled(call: Call, name: str, kind: str, changes: Json) -> Json:
    """A failed change leaves the cluster as it was."""
    resources.replace(call.cloud, CLUSTERS, name, {"status": "RECONCILING"})
    done = operations.changed(CLUSTERS, name, status="RUNNING", **changes)
    failed = operations.changed(CLUSTERS, name, status="RUNNING")
    return start(call, name, kind, "container.update", done, failed)
