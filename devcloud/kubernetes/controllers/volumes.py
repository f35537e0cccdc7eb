"""Claims get volumes; volumes outlive their claims where their class says so."""

from devcloud.clock import now
from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.controllers.databases import disk_of
from devcloud.kubernetes.controllers.pods import SELECTED_NODE
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of
from devcloud.schemas import set_schema

READY_AT = "devcloud.localhost/volume-at"


def reconcile_claim(context: Context, claim: JSON) -> float | None:
    """The claim is bound, or grown, once its time has come. Returns when that will be."""
    kind = kind_named("persistentvolumeclaims")
    storage_class = context.objects.get(kind_named("storageclasses"), "", claim["spec"].get("storageClassName", ""))
    wanted = claim["spec"]["resources"]["requests"]["storage"]
    if claim.get("status", {}).get("capacity", {}).get("storage") == wanted or storage_class is None:
        return None
    annotations = claim["metadata"].get("annotations", {})
    if storage_class["volumeBindingMode"] == "WaitForFirstConsumer" and SELECTED_NODE not in annotations:
        return None
    at, size = annotations.get(READY_AT, "0 ").split(" ")
    if size != wanted:
        planned = copy_of(claim)
        due = now() + context.seconds("volume")
        planned["metadata"].setdefault("annotations", {})[READY_AT] = f"{due:.3f} {wanted}"
        context.objects.put(kind, planned)
        return due
    if now() < float(at):
        return float(at)
    _bind(context, claim, storage_class, wanted)
    return None


def release_volume(context: Context, claim: JSON) -> None:
    """The claim is gone: its volume too, or released where the class retains it; what a database held goes for good."""
    set_schema(context.cloud, disk_of(context, claim["metadata"]["namespace"], claim["metadata"]["name"]), "")
    kind = kind_named("persistentvolumes")
    volume = context.objects.get(kind, "", claim["spec"].get("volumeName", ""))
    if volume is None or volume["spec"]["claimRef"]["uid"] != claim["metadata"]["uid"]:
        return
    if volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
        context.objects.delete(kind, volume)
    else:
        context.set_status(kind, volume, {"phase": "Released"})


def _bind(context: Context, claim: JSON, storage_class: JSON, size: str) -> None:
    name = claim["spec"].get("volumeName") or f"pvc-{claim['metadata']['uid']}"
    volumes = kind_named("persistentvolumes")
    known = context.objects.get(volumes, "", name)
    volume = copy_of(known) if known else _volume(name, claim, storage_class)
    volume["spec"]["capacity"] = {"storage": size}
    context.objects.put(volumes, volume)
    bound = copy_of(claim)
    bound["spec"]["volumeName"] = name
    bound["status"] = {"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}}
    context.objects.put(kind_named("persistentvolumeclaims"), bound)


def _volume(name: str, claim: JSON, storage_class: JSON) -> JSON:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
            "storageClassName": storage_class["metadata"]["name"],
            "csi": {"driver": storage_class["provisioner"], "volumeHandle": name},
            "claimRef": {
                "kind": "PersistentVolumeClaim",
                "namespace": claim["metadata"]["namespace"],
                "name": claim["metadata"]["name"],
                "uid": claim["metadata"]["uid"],
            },
        },
        "status": {"phase": "Bound"},
    }
