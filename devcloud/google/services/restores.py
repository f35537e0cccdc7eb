"""Backup for GKE: restore plans, and what a restore puts into a cluster: the claims of a backup, with their volumes.

Source: cloud.google.com/kubernetes-engine/docs/add-on/backup-for-gke/concepts/about-locations, read December 2026: a
cluster is restored into in the restore plan's own region, whatever the backup plan's.
"""

from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.regions import region_of
from devcloud.google.services.backups import BACKUPS, COPIES, PLANS, checked_id, new, start
from devcloud.google.services.cluster_operations import cluster_id
from devcloud.google.services.networks import CLUSTERS
from devcloud.kubernetes.clusters import open_cluster
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of

RESTORE_PLANS, RESTORES = "gkebackup.restorePlans", "gkebackup.restores"
FILTERED = {"MERGE_SKIP_ON_CONFLICT", "MERGE_REPLACE_VOLUME_ON_CONFLICT", "MERGE_REPLACE_ON_CONFLICT"}
FROM_BACKUP = "RESTORE_VOLUME_DATA_FROM_BACKUP"
_PARENT = "gkebackup.projects.locations.restorePlans"
_SCOPES = ("allNamespaces", "noNamespaces", "selectedNamespaces", "excludedNamespaces", "selectedApplications")


@implements(f"{_PARENT}.create")
def _create_plan(call: Call) -> Json:
    name = f"{call['parent']}/restorePlans/{checked_id(call, 'restorePlanId')}"
    if call.cloud.store.get(RESTORE_PLANS, name):
        raise errors.GoogleError(409, "alreadyExists", f"Resource '{name}' already exists")
    resources.need_ready(call, PLANS, call.body["backupPlan"], "restore_plan.backup_plan")
    cluster = resources.need_ready(call, CLUSTERS, call.body["cluster"], "restore_plan.cluster")
    if region_of(cluster["location"]) != name.split("/")[3]:
        raise errors.invalid("The cluster must be in the region of the restore plan.", "restore_plan.cluster")
    if not cluster.get("addonsConfig", {}).get("gkeBackupAgentConfig", {}).get("enabled"):
        raise errors.precondition("The cluster has no Backup for GKE agent.")
    _check_config(call.body.get("restoreConfig", {}))
    seconds = call.cloud.profile.seconds("gkebackup.plan")
    resources.add(call, RESTORE_PLANS, name, new(call, name, "CLUSTER_PENDING"), seconds=seconds)
    ready = operations.changed(RESTORE_PLANS, name, state="READY")
    return start(call, name, "gkebackup.plan", ready, "RestorePlan", collection=RESTORE_PLANS)


@implements(f"{_PARENT}.delete")
def _delete_plan(call: Call) -> Json:
    """Only by force while it has restores."""
    name = call["name"]
    resources.need(call, RESTORE_PLANS, name)
    restores = call.cloud.store.items(RESTORES, f"{name}/")
    if restores and not call.get("force"):
        raise errors.precondition(f"Resource '{name}' has nested resources. Use force to delete them too.")
    for restore, _entry in restores:
        call.cloud.store.delete(RESTORES, restore)
    resources.replace(call.cloud, RESTORE_PLANS, name, {"state": "DELETING"})
    return start(call, name, "delete.backupplan", operations.gone(RESTORE_PLANS, name), collection=RESTORE_PLANS)


@implements(f"{_PARENT}.restores.create")
def _create_restore(call: Call) -> Json:
    plan = resources.need_ready(call, RESTORE_PLANS, call["parent"], "parent")
    name, backup = f"{call['parent']}/restores/{checked_id(call, 'restoreId')}", call.body["backup"]
    if call.cloud.store.get(RESTORES, name):
        raise errors.GoogleError(409, "alreadyExists", f"Resource '{name}' already exists")
    if not backup.startswith(f"{plan['backupPlan']}/backups/"):
        raise errors.invalid("The backup must be of the restore plan's backup plan.", "restore.backup")
    if resources.need_ready(call, BACKUPS, backup, "restore.backup")["state"] != "SUCCEEDED":
        raise errors.precondition(f"Backup '{backup}' has not succeeded.")
    config = plan["restoreConfig"]
    if "filter" in call.body and config["namespacedResourceRestoreMode"] not in FILTERED:
        raise errors.invalid("A filter needs a restore mode that merges.", "restore.filter")
    seconds = call.cloud.profile.seconds("gkebackup.restore")
    body = {**new(call, name, "IN_PROGRESS"), "cluster": plan["cluster"], "restoreConfig": config}
    resources.add(call, RESTORES, name, body, seconds=seconds)
    return start(
        call, name, "gkebackup.restore", ("gkebackup.restored", {"name": name}), "Restore", collection=RESTORES
    )


@implements(f"{_PARENT}.get", f"{_PARENT}.restores.get")
def _get(call: Call) -> Json:
    return resources.need(call, RESTORES if ".restores." in call.method.id else RESTORE_PLANS, call["name"])


@implements(f"{_PARENT}.list", f"{_PARENT}.restores.list")
def _list(call: Call) -> Json:
    collection, field = (RESTORES, "restores") if ".restores." in call.method.id else (RESTORE_PLANS, "restorePlans")
    return resources.page(call, field, resources.below(call, collection, f"{call['parent']}/{field}/"))


@operations.outcome("gkebackup.restored")
def _restored(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    """What of the backup the filter selects and is not there yet stands in the cluster."""
    entry = cloud.store.get(RESTORES, arguments["name"])
    cluster = open_cluster(cloud, cluster_id(entry["body"]["cluster"])) if entry else None
    if entry is None or cluster is None:
        return None
    restore: Json = entry["body"]
    claims = [claim for claim in _copied(cloud, restore) if _is_selected(restore, claim)]
    with_data = restore["restoreConfig"].get("volumeDataRestorePolicy") == FROM_BACKUP
    kind, volumes = kind_named("persistentvolumeclaims"), kind_named("persistentvolumes")
    fresh = [claim for claim in claims if not cluster.objects.get(kind, *_place(claim))]
    for claim in fresh:
        put = cluster.objects.put(kind, _new_claim(claim, with_data=with_data))
        if with_data:
            cluster.objects.put(volumes, _volume(put))
    cluster.controllers.settle()
    done = {"state": "SUCCEEDED", "resourcesRestoredCount": len(fresh), "volumesRestoredCount": len(fresh) * with_data}
    return resources.replace(cloud, RESTORES, arguments["name"], done, ready=True)


def _copied(cloud: Cloud, restore: Json) -> list[JSON]:
    copy = cloud.store.get(COPIES, restore["backup"]) or {"claims": []}
    return list(copy["claims"])


def _is_selected(restore: Json, claim: JSON) -> bool:
    namespaces = restore["restoreConfig"].get("selectedNamespaces", {}).get("namespaces")
    if namespaces is not None and claim["metadata"]["namespace"] not in namespaces:
        return False
    wanted = restore.get("filter", {}).get("inclusionFilters")
    return wanted is None or any(
        selector.get("groupKind", {}).get("resourceKind", "PersistentVolumeClaim") == "PersistentVolumeClaim"
        and selector.get("name", claim["metadata"]["name"]) == claim["metadata"]["name"]
        for selector in wanted
    )


def _new_claim(claim: JSON, *, with_data: bool) -> JSON:
    """As it was, but for what the cluster wrote; bound to a volume of its own where its data comes along."""
    made = copy_of(claim)
    kept = ("name", "namespace", "labels", "annotations")
    made["metadata"] = {name: made["metadata"][name] for name in kept if name in made["metadata"]}
    made["spec"].pop("volumeName", None)
    made.pop("status", None)
    if with_data:
        made["spec"]["volumeName"] = f"pvc-restored-{resources.etag()}"
        storage = made["spec"]["resources"]["requests"]["storage"]
        access = made["spec"]["accessModes"]
        made["status"] = {"phase": "Bound", "accessModes": access, "capacity": {"storage": storage}}
    return made


def _volume(claim: JSON) -> JSON:
    metadata, name = claim["metadata"], claim["spec"]["volumeName"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": claim["status"]["capacity"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": claim["spec"].get("storageClassName", ""),
            "csi": {"driver": "pd.csi.storage.gke.io", "volumeHandle": name},
            "claimRef": {
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        },
        "status": {"phase": "Bound"},
    }


def _place(claim: JSON) -> tuple[str, str]:
    return claim["metadata"]["namespace"], claim["metadata"]["name"]


def _check_config(config: Json) -> None:
    if sum(scope in config for scope in _SCOPES) != 1:
        raise errors.invalid("Exactly one scope of namespaces must be set.", "restore_plan.restore_config")
    if "namespacedResourceRestoreMode" not in config and "noNamespaces" not in config:
        raise errors.invalid("namespaced_resource_restore_mode must be set.", "restore_plan.restore_config")
