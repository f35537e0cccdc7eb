"""JSON patch, merge patch and strategic merge patch."""

from typing import Any

from devcloud.kubernetes.failures import JSON, bad_request
from devcloud.kubernetes.schema import ANY, SET, Shape, is_keyed

_DIRECTIVES = ("$patch", "$retainKeys", "$deleteFromPrimitiveList/", "$setElementOrder/")


def json_patch(value: JSON, operations: Any) -> JSON:
    """`value` (a copy of one's own) after these RFC 6902 operations."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document: Any = value
    for operation in operations:
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise bad_request(
                f"the server rejected our request due to an error in our request: {operation}: {error}"
            ) from error
    return dict(document)


def merge_patch(value: Any, patch: Any) -> Any:
    """`value` after this RFC 7396 patch."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), inner)
    return merged


def strategic_merge(shape: Shape, value: Any, patch: Any) -> Any:
    """`value` after this patch, lists merged by their keys, with the $ directives that kubectl and Helm write."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return _plain({key: inner for key, inner in patch.items() if key != "$patch"})
    merged = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            merged.pop(key, None)
        elif key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [item for item in merged.get(name, []) if item not in inner]
        elif key == "$retainKeys":
            merged = {name: item for name, item in merged.items() if name in inner}
        elif not key.startswith(_DIRECTIVES):
            merged[key] = _merged(shape.child(key), merged.get(key), inner)
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            name = key.partition("/")[2]
            merged[name] = _ordered(shape.child(name), merged.get(name, []), order)
    return merged


def _merged(shape: Shape, value: Any, patch: Any) -> Any:
    if isinstance(patch, dict):
        return strategic_merge(shape, value, patch)
    if isinstance(patch, list) and shape.keys == SET and isinstance(value, list):
        return [*value, *(item for item in patch if item not in value)]
    if isinstance(patch, list) and is_keyed(shape, patch):
        return _merged_items(shape, value or [], patch)
    return patch


def _merged_items(shape: Shape, value: list[JSON], patch: list[JSON]) -> list[JSON]:
    name = shape.keys[0]
    if any(item.get("$patch") == "replace" for item in patch):
        return [_plain(item) for item in patch if item.get("$patch") != "replace"]
    merged = {item.get(name): item for item in value}
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item.get(name), None)
        else:
            merged[item.get(name)] = strategic_merge(shape.item or ANY, merged.get(item.get(name)), item)
    return list(merged.values())


def _ordered(shape: Shape, value: list[Any], order: list[Any]) -> list[Any]:
    name = shape.keys[0] if shape.keys and shape.keys != SET else None
    ranks = {item.get(name) if name else item: rank for rank, item in enumerate(order)}
    return sorted(value, key=lambda item: ranks.get(item.get(name) if name else item, len(ranks)))


def _plain(value: Any) -> Any:
    return merge_patch({}, value) if isinstance(value, dict) else value


def _operate(document: Any, operation: JSON) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "test":
            if _at(document, path) != operation.get("value"):
                raise ValueError("test failed")
        case "remove":
            _remove(document, path)
        case "add" | "replace" as verb:
            return _set(document, path, operation["value"], replace=verb == "replace")
        case "copy" | "move" as verb:
            origin = _pointer(operation["from"])
            moved = _at(document, origin)
            if verb == "move":
                _remove(document, origin)
            return _set(document, path, moved, replace=False)
        case unknown:
            raise ValueError(f"unexpected kind: {unknown}")
    return document


def _pointer(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _remove(document: Any, path: list[str]) -> None:
    parent = _at(document, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]


def _set(document: Any, path: list[str], value: Any, *, replace: bool) -> Any:
    if not path:
        return value
    parent = _at(document, path[:-1])
    if isinstance(parent, dict):
        if replace and path[-1] not in parent:
            raise KeyError(path[-1])
        parent[path[-1]] = value
    elif replace:
        parent[int(path[-1])] = value
    else:
        parent.insert(len(parent) if path[-1] == "-" else int(path[-1]), value)
    return document
