"""Creating, replacing, patching and deleting, with everything that the server checks and keeps."""

import uuid
from dataclasses import dataclass
from typing import Any

from devcloud.clock import now, rfc3339_seconds
from devcloud.kubernetes.admission import check_growth
from devcloud.kubernetes.applying import apply, record_update
from devcloud.kubernetes.decoding import check_types, known_fields, without_nulls
from devcloud.kubernetes.defaults import fill_in
from devcloud.kubernetes.failures import JSON, already_exists, bad_request, not_found, outdated
from devcloud.kubernetes.kinds import Kind, kind_named
from devcloud.kubernetes.objects import Objects, copy_of
from devcloud.kubernetes.patches import json_patch, merge_patch, strategic_merge
from devcloud.kubernetes.removal import remove
from devcloud.kubernetes.schema import ANY
from devcloud.kubernetes.validation import check_change, check_new

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
_UNCOUNTED = ("metadata", "status")
_SERVER_SET = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink")
_PROTOCOL_DEFAULTED_SINCE = 22


@dataclass(frozen=True)
class Manner:
    """How a write was asked for. `minor` is the cluster's minor version as a number."""

    manager: str
    force: bool = False
    strict: bool = False
    dry_run: bool = False
    minor: int = 33
    subresource: str = ""


@dataclass(frozen=True)
class Place:
    """Where a write goes."""

    objects: Objects
    kind: Kind
    namespace: str
    name: str

    def current(self) -> JSON:
        """What stands there. Raises Refusal (404)."""
        found = self.objects.get(self.kind, self.namespace, self.name)
        if found is None:
            raise not_found(self.kind.resource, self.name)
        return found


def create(place: Place, body: JSON, manner: Manner) -> JSON:
    """A new object stands there. Raises Refusal (400, 404, 409, 422)."""
    value = _accepted(place, without_nulls(body), manner)
    metadata = value["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
    if not metadata.get("name"):
        raise bad_request("name or generateName is required")
    if place.objects.get(place.kind, place.namespace, metadata["name"]):
        raise already_exists(place.kind.resource, metadata["name"])
    return _store_new(place, value, manner, record=True)


def replace(place: Place, body: JSON, manner: Manner) -> JSON:
    """What stands there is now `body`. Raises Refusal (400, 404, 409, 422)."""
    current = place.current()
    value = _accepted(place, without_nulls(body), manner)
    if (version := value["metadata"].get("resourceVersion")) and version != current["metadata"]["resourceVersion"]:
        raise outdated(place.kind.resource, place.name)
    return _store_change(place, current, value, manner, record=True)


def patch(place: Place, media: str, body: Any, manner: Manner) -> tuple[JSON, bool]:
    """The object after this patch, and whether it is new (only server-side apply makes one)."""
    if media == APPLY:
        return _apply(place, body, manner)
    current = place.current()
    value = copy_of(current)
    if media == JSON_PATCH:
        value = json_patch(value, body)
    elif media == STRATEGIC_MERGE and place.kind.shape is not ANY:
        value = strategic_merge(place.kind.shape, value, body)
    else:
        value = merge_patch(value, body)
    value = _accepted(place, without_nulls(value), manner)
    if value["metadata"].get("resourceVersion") not in {None, current["metadata"]["resourceVersion"]}:
        raise outdated(place.kind.resource, place.name)
    return _store_change(place, current, value, manner, record=True), False


def delete(place: Place, options: JSON, manner: Manner) -> JSON:
    """The object is gone, or marked while finalizers hold it. Returns what it was. Raises Refusal (404, 409)."""
    current = place.current()
    wanted = options.get("preconditions", {})
    for field, key in (("uid", "uid"), ("resourceVersion", "resourceVersion")):
        if field in wanted and wanted[field] != current["metadata"][key]:
            raise outdated(place.kind.resource, place.name)
    if manner.dry_run:
        return current
    orphan = options.get("propagationPolicy") == "Orphan" or options.get("orphanDependents") is True
    return remove(place.objects, place.kind, current, orphan=orphan)


def _apply(place: Place, body: Any, manner: Manner) -> tuple[JSON, bool]:
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: the body is not an object")
    config = without_nulls(body)
    if config.get("metadata", {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    config.setdefault("metadata", {}).setdefault("name", place.name)
    check_types(place.kind, config, strict=True)
    _check_protocols(place, config, manner)
    config = _accepted(place, config, manner)
    current = place.objects.get(place.kind, place.namespace, place.name)
    if current is None:
        value = apply(place.kind.shape, {"metadata": {}}, config, manner.manager, force=manner.force)
        return _store_new(place, value, manner, record=False), True
    version = config["metadata"].pop("resourceVersion", None)
    if version not in {None, current["metadata"]["resourceVersion"]}:
        raise outdated(place.kind.resource, place.name)
    value = apply(place.kind.shape, current, config, manner.manager, force=manner.force)
    return _store_change(place, current, copy_of(value), manner, record=False), False


def _accepted(place: Place, value: JSON, manner: Manner) -> JSON:
    """The decoded body with its place written in. Raises Refusal (400, 404)."""
    kind = place.kind
    if not isinstance(value, dict) or not isinstance(value.setdefault("metadata", {}), dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    if (
        value.setdefault("kind", kind.kind) != kind.kind
        or value.setdefault("apiVersion", kind.api_version) != kind.api_version
    ):
        raise bad_request(
            f"the API version in the data ({value['apiVersion']}, Kind={value['kind']}) does not match the expected "
            f"API version ({kind.api_version}, Kind={kind.kind})"
        )
    if check_types(kind, value, strict=manner.strict):
        value = known_fields(kind.shape, value)
    metadata = value["metadata"]
    if place.name and metadata.setdefault("name", place.name) != place.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({place.name})"
        )
    if kind.namespaced:
        if metadata.setdefault("namespace", place.namespace) != place.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    else:
        metadata.pop("namespace", None)
    return value


def _store_new(place: Place, value: JSON, manner: Manner, *, record: bool) -> JSON:
    kind = place.kind
    if kind.namespaced and place.objects.get(kind_named("namespaces"), "", place.namespace) is None:
        raise not_found("namespaces", place.namespace)
    value = copy_of(value)
    metadata = value["metadata"]
    owned = metadata.pop("managedFields", [])
    for field in _SERVER_SET:
        metadata.pop(field, None)
    metadata |= {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": rfc3339_seconds(now())}
    if "status" in kind.subresources:
        value.pop("status", None)
    if record:
        recorded = record_update(kind.shape, {"metadata": {}}, copy_of(value), manner.manager)
        owned = recorded["metadata"].get("managedFields", [])
    if "spec" in kind.shape.fields:
        value.setdefault("spec", {})
    check_new(kind, value)
    fill_in(kind, value)
    metadata["managedFields"] = owned
    return value if manner.dry_run else place.objects.put(kind, value)


def _store_change(place: Place, current: JSON, value: JSON, manner: Manner, *, record: bool) -> JSON:
    kind = place.kind
    value = _with_status(kind, current, value, manner)
    for field in _SERVER_SET:
        value["metadata"].pop(field, None)
        if field in current["metadata"]:
            value["metadata"][field] = current["metadata"][field]
    if "spec" in kind.shape.fields:
        value.setdefault("spec", {})
    fill_in(kind, value)
    check_growth(place.objects, kind, current, value)
    check_change(kind, current, value)
    if record:
        value["metadata"].setdefault("managedFields", current["metadata"].get("managedFields", []))
        value = record_update(kind.shape, current, value, manner.manager)
    if value == current:
        return current
    if any(value.get(key) != current.get(key) for key in {*value, *current} - set(_UNCOUNTED)):
        value["metadata"]["generation"] = current["metadata"].get("generation", 1) + 1
    return value if manner.dry_run else _put(place, value)


def _with_status(kind: Kind, current: JSON, value: JSON, manner: Manner) -> JSON:
    """Through the status subresource only the status changes, and otherwise anything but the status."""
    if manner.subresource == "status":
        return {**copy_of(current), "status": value.get("status", {})}
    if "status" in kind.subresources:
        value.pop("status", None)
        if "status" in current:
            value["status"] = copy_of(current["status"])
    return value


def _put(place: Place, value: JSON) -> JSON:
    stored = place.objects.put(place.kind, value)
    if "deletionTimestamp" in stored["metadata"] and not stored["metadata"].get("finalizers"):
        remove(place.objects, place.kind, stored)
    return stored


def _check_protocols(place: Place, config: JSON, manner: Manner) -> None:
    """Before 1.22 a port's protocol had no default that server-side apply knew of."""
    if manner.minor >= _PROTOCOL_DEFAULTED_SINCE or place.kind.kind != "Service":
        return
    for index, port in enumerate(config.get("spec", {}).get("ports", [])):
        if "protocol" not in port:
            raise bad_request(
                f"failed to create typed patch object: .spec.ports: element {index}: associative list with keys has an "
                'element that omits key field "protocol"'
            )
