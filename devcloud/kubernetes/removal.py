"""What goes when an object goes."""

from devcloud.clock import now, rfc3339_seconds
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import Kind, all_kinds
from devcloud.kubernetes.objects import Objects, copy_of

_BY_KEY = {kind.key: kind for kind in all_kinds().values()}


def remove(objects: Objects, kind: Kind, value: JSON, *, orphan: bool = False) -> JSON:
    """The object is gone with what it owns, or marked while finalizers hold it. Returns it as it last was."""
    if value["metadata"].get("finalizers"):
        if "deletionTimestamp" in value["metadata"]:
            return value
        marked = copy_of(value)
        marked["metadata"] |= {"deletionTimestamp": rfc3339_seconds(now()), "deletionGracePeriodSeconds": 0}
        return objects.put(kind, marked)
    objects.delete(kind, value)
    if kind.kind == "Namespace":
        _empty_namespace(objects, value["metadata"]["name"])
    for key, owned in objects.owned(value["metadata"]["uid"]):
        if orphan:
            _orphan(objects, _BY_KEY[key[0]], owned, value["metadata"]["uid"])
        else:
            remove(objects, _BY_KEY[key[0]], owned)
    return value


def _orphan(objects: Objects, kind: Kind, value: JSON, owner: str) -> None:
    freed = copy_of(value)
    freed["metadata"]["ownerReferences"] = [
        reference for reference in freed["metadata"]["ownerReferences"] if reference["uid"] != owner
    ]
    objects.put(kind, freed)


def _empty_namespace(objects: Objects, name: str) -> None:
    for kind in _BY_KEY.values():
        if kind.namespaced:
            for value in list(objects.each(kind, name)):
                if objects.get(kind, name, value["metadata"]["name"]):
                    remove(objects, kind, value)
