"""What the server refuses by its admission plugins, which see more than the one object (403)."""

from devcloud.kubernetes.failures import JSON, disallowed
from devcloud.kubernetes.kinds import Kind, kind_named
from devcloud.kubernetes.objects import Objects
from devcloud.kubernetes.quantities import quantity

_NO_RESIZE = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


def check_growth(objects: Objects, kind: Kind, old: JSON, new: JSON) -> None:
    """Refusal (403) where a bound claim is to grow and its storage class does not let volumes grow."""
    if kind.kind != "PersistentVolumeClaim" or old.get("status", {}).get("phase") != "Bound":
        return
    before, after = (side["spec"].get("resources", {}).get("requests", {}).get("storage", "0") for side in (old, new))
    storage_class = objects.get(kind_named("storageclasses"), "", old["spec"].get("storageClassName", ""))
    may_grow = storage_class is not None and storage_class.get("allowVolumeExpansion")
    if not may_grow and quantity(after) > quantity(before):
        raise disallowed(kind.resource, new["metadata"]["name"], _NO_RESIZE)
