"""Server-side apply, and the bookkeeping of managers for every other write."""

from datetime import UTC, datetime
from typing import Any

from devcloud.kubernetes.failures import JSON, field_conflicts
from devcloud.kubernetes.fields import (
    changed_fields,
    conflicts,
    difference,
    existing,
    fields_of,
    list_key,
    step,
    union,
)
from devcloud.kubernetes.schema import ANY, SET, Shape, is_keyed


def apply(shape: Shape, live: JSON, config: JSON, manager: str, *, force: bool) -> JSON:
    """`live` with `config` merged in, what this manager no longer names removed, and the managers updated.

    Raises Refusal (409) when another manager owns a field with another value, unless `force`.
    """
    entries = _entries(live)
    wanted = fields_of(shape, config)
    others = [entry for entry in entries if not _is(entry, manager, "Apply")]
    clashes = [
        (entry, path, clash)
        for entry in others
        for path, clash in conflicts(wanted, entry["fieldsV1"], shape, live, config)
    ]
    if clashes and not force:
        raise field_conflicts([(entry["manager"], path) for entry, path, _ in clashes])
    for entry, _, clash in clashes:
        entry["fieldsV1"] = difference(entry["fieldsV1"], clash)
    before: JSON = next((entry["fieldsV1"] for entry in entries if _is(entry, manager, "Apply")), {})
    merged = _merge(shape, live, config)
    kept = wanted
    for entry in others:
        kept = union(kept, entry["fieldsV1"])
    _remove(merged, shape, before, kept)
    return _with_entries(merged, shape, [*others, _entry(config["apiVersion"], manager, "Apply", wanted)], live)


def record_update(shape: Shape, old: JSON, new: JSON, manager: str) -> JSON:
    """`new` with its managers: this one owns what it changed, nobody else does any more."""
    known = old.get("metadata", {}).get("managedFields")
    if new["metadata"].get("managedFields", known) != known:
        # The client wrote them itself, as Helm does when a release changes from client-side to server-side apply.
        return new
    changed = changed_fields(shape, old, new)
    changed.pop("f:status", None)
    entries = [{**entry, "fieldsV1": difference(entry["fieldsV1"], changed)} for entry in _entries(old)]
    mine = next((entry for entry in entries if _is(entry, manager, "Update")), None)
    if mine:
        mine["fieldsV1"] = union(mine["fieldsV1"], changed)
    elif changed:
        entries.append(_entry(new["apiVersion"], manager, "Update", changed))
    return _with_entries(new, shape, entries, old)


def _entries(live: JSON) -> list[JSON]:
    return [dict(entry) for entry in live.get("metadata", {}).get("managedFields", []) if entry.get("fieldsV1")]


def _is(entry: JSON, manager: str, operation: str) -> bool:
    return bool(entry["manager"] == manager and entry["operation"] == operation and not entry.get("subresource"))


def _entry(api_version: str, manager: str, operation: str, owned: JSON) -> JSON:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": api_version,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    }


def _with_entries(value: JSON, shape: Shape, entries: list[JSON], old: JSON) -> JSON:
    """`value` with these entries: emptied ones dropped, unchanged ones with their old time; a repeat is no change."""
    known = {
        (entry["manager"], entry["operation"]): entry for entry in old.get("metadata", {}).get("managedFields", [])
    }
    written = []
    for entry in entries:
        owned = existing(entry["fieldsV1"], shape, value)
        before = known.get((entry["manager"], entry["operation"]))
        if owned:
            written.append(before if before and before["fieldsV1"] == owned else {**entry, "fieldsV1": owned})
    value["metadata"] = {**value["metadata"], "managedFields": written}
    return value


def _merge(shape: Shape, live: Any, config: Any) -> Any:
    if isinstance(config, dict) and isinstance(live, dict) and not shape.atomic:
        merged = dict(live)
        for key, value in config.items():
            merged[key] = _merge(shape.child(key), live.get(key), value)
        return merged
    if isinstance(config, list) and isinstance(live, list) and shape.keys == SET:
        return [*live, *(item for item in config if item not in live)]
    if isinstance(config, list) and isinstance(live, list) and is_keyed(shape, [*live, *config]):
        return _merge_items(shape, live, config)
    return config


def _merge_items(shape: Shape, live: list[JSON], config: list[JSON]) -> list[JSON]:
    known = {list_key(shape, item): item for item in live}
    wanted = {list_key(shape, item): item for item in config}
    inner = shape.item or ANY
    merged = [_merge(inner, known.get(key), item) for key, item in wanted.items()]
    return [*merged, *(item for key, item in known.items() if key not in wanted)]


def _remove(value: Any, shape: Shape, before: JSON, kept: JSON) -> None:
    """Takes out of `value`, in place, the fields of `before` that are not in `kept`."""
    for key, inner in before.items():
        there, child, item = step(shape, value, key)
        if key == "." or not there:
            continue
        if key not in kept:
            _take(value, key, item)
        elif inner and kept[key]:
            fresh = dict(item) if isinstance(item, dict) else list(item)
            _put(value, key, item, fresh)
            _remove(fresh, child, inner, kept[key])


def _take(value: Any, key: str, item: Any) -> None:
    if key.startswith("f:"):
        value.pop(key[2:])
    else:
        value[:] = [each for each in value if each is not item and (key.startswith("k:") or each != item)]


def _put(value: Any, key: str, item: Any, fresh: Any) -> None:
    if key.startswith("f:"):
        value[key[2:]] = fresh
    else:
        value[:] = [fresh if each is item else each for each in value]
