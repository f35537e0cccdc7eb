"""Who set which field: the sets of `managedFields` (FieldsV1), as nested dicts whose leaves are empty."""

from collections.abc import Iterator
from typing import Any

import msgspec

from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.schema import ANY, SET, Shape, is_keyed, item_key

# Fields that belong to nobody: the server's own, and the ones that name the object.
_UNOWNED = (
    "managedFields",
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
)
_OWN = "."


def fields_of(shape: Shape, value: JSON) -> JSON:
    """The set of all fields that this object names, without those that nobody owns."""
    owned = _walk(shape, {key: inner for key, inner in value.items() if key not in {"apiVersion", "kind"}})
    metadata = owned.get("f:metadata", {})
    for name in _UNOWNED:
        metadata.pop(f"f:{name}", None)
    if not metadata:
        owned.pop("f:metadata", None)
    return owned


def changed_fields(shape: Shape, old: JSON, new: JSON) -> JSON:
    """The set of fields that `new` has and `old` has not, or has with another value."""
    return _without_equal(fields_of(shape, new), shape, old, new)


def union(left: JSON, right: JSON) -> JSON:
    merged = dict(left)
    for key, inner in right.items():
        merged[key] = union(merged.get(key, {}), inner)
    return merged


def difference(left: JSON, right: JSON) -> JSON:
    """`left` without the leaves that `right` has too."""
    kept: JSON = {}
    for key, inner in left.items():
        if key not in right:
            kept[key] = inner
        elif inner and right[key] and (rest := difference(inner, right[key])) and rest != {_OWN: {}}:
            kept[key] = rest
    return kept


def existing(owned: JSON, shape: Shape, value: Any) -> JSON:
    """`owned` without the fields that the object no longer has."""
    kept: JSON = {}
    for key, inner in owned.items():
        found, child, item = step(shape, value, key)
        if key == _OWN:
            kept[key] = inner
        elif found and (not inner or (rest := existing(inner, child, item))):
            kept[key] = rest if inner else {}
    return kept


def conflicts(
    wanted: JSON, owned: JSON, shape: Shape, live: Any, config: Any, path: str = ""
) -> Iterator[tuple[str, JSON]]:
    """(path, set of that one field) for each field in both sets whose values differ."""
    for key in wanted.keys() & owned.keys() - {_OWN}:
        found, child, live_item = step(shape, live, key)
        _, _, config_item = step(shape, config, key)
        if not found or live_item == config_item:
            continue
        here = path + _spell(key)
        if wanted[key] and owned[key]:
            deeper = conflicts(wanted[key], owned[key], child, live_item, config_item, here)
            yield from ((found_path, {key: inner}) for found_path, inner in deeper)
        elif not wanted[key] and not owned[key]:  # an empty list or map says nothing of the items in it
            yield here, {key: {}}


def step(shape: Shape, value: Any, key: str) -> tuple[bool, Shape, Any]:
    """Follows one key of a set into a value: whether it is there, its shape, and it."""
    kind, _, name = key.partition(":")
    if kind == "f":
        there = isinstance(value, dict) and name in value
        return there, shape.child(name), value[name] if there else None
    if kind == "k" and isinstance(value, list):
        wanted = msgspec.json.decode(name)
        for item in value:
            if isinstance(item, dict) and item_key(shape, item) == wanted:
                return True, shape.item or ANY, item
    if kind == "v" and isinstance(value, list):
        wanted = msgspec.json.decode(name)
        return wanted in value, ANY, wanted if wanted in value else None
    return False, ANY, None


def list_key(shape: Shape, item: JSON) -> str:
    return "k:" + msgspec.json.encode(item_key(shape, item)).decode()


def _walk(shape: Shape, value: Any) -> JSON:
    if shape.atomic:
        return {}
    if isinstance(value, dict):
        return {f"f:{key}": _walk(shape.child(key), inner) for key, inner in value.items()}
    if isinstance(value, list) and shape.keys == SET:
        return {f"v:{msgspec.json.encode(item).decode()}": {} for item in value}
    if isinstance(value, list) and is_keyed(shape, value):
        inner = shape.item or ANY
        return {list_key(shape, item): {_OWN: {}, **_walk(inner, item)} for item in value}
    return {}


def _without_equal(owned: JSON, shape: Shape, old: Any, new: Any) -> JSON:
    changed: JSON = {}
    for key, inner in owned.items():
        there, child, old_item = step(shape, old, key)
        _, _, new_item = step(shape, new, key)
        if key != _OWN and (not there or old_item != new_item):
            deeper = _without_equal(inner, child, old_item, new_item) if there and inner else inner
            if deeper or not inner or not there:
                changed[key] = deeper
    return changed


def _spell(key: str) -> str:
    kind, _, name = key.partition(":")
    if kind == "f":
        return f".{name}"
    if kind == "k":
        return (
            "["
            + ",".join(
                f"{field}={msgspec.json.encode(value).decode()}" for field, value in msgspec.json.decode(name).items()
            )
            + "]"
        )
    return f"[{name}]"
