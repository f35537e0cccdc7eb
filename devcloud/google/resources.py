"""What exists: one entry per resource, by collection and full name."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from devcloud.cloud import Cloud
from devcloud.google import errors
from devcloud.google.call import Call, Json
from devcloud.google.filters import parse

# A resource that takes a while is invisible for the first part of that time, as its operation is PENDING; a second try
# to make it is refused all the same.
PENDING_SHARE = 0.2
_DEFAULTS: tuple[Any, ...] = (False, 0, "", "0", [])


def add(call: Call, collection: str, name: str, body: Json, *, seconds: float = 0.0, invisible: bool = False) -> Json:
    """The resource exists, but is not ready for `seconds`. Raises GoogleError 409 if the name is taken."""
    if call.cloud.store.get(collection, name):
        raise errors.taken(name)
    visible_at = call.at + seconds * PENDING_SHARE if invisible else call.at
    call.cloud.store.put(collection, name, {"body": body, "visible_at": visible_at, "ready": not seconds})
    return body


def find(call: Call, collection: str, name: str) -> Json | None:
    """The resource's body, if it can be seen by now."""
    entry = call.cloud.store.get(collection, name)
    return entry["body"] if entry and entry["visible_at"] <= call.at else None


def need(call: Call, collection: str, name: str) -> Json:
    """The resource's body. Raises GoogleError 404."""
    body = find(call, collection, name)
    if body is None:
        raise errors.not_found(name)
    return body


def need_ready(call: Call, collection: str, name: str, field: str) -> Json:
    """The body of a resource that another one refers to in `field`. Raises GoogleError if it can't be used (yet)."""
    entry = call.cloud.store.get(collection, name)
    if entry is None:
        raise errors.GoogleError(404, "notFound", f"Invalid value for field '{field}': '{name}' was not found.")
    if not entry["ready"]:
        raise errors.GoogleError(400, "resourceNotReady", f"The resource '{name}' is not ready")
    return dict(entry["body"])


def replace(cloud: Cloud, collection: str, name: str, changes: Mapping[str, Any], *, ready: bool | None = None) -> Json:
    """The resource, if it still exists, has these values; None takes a field away."""
    entry = cloud.store.get(collection, name)
    if entry is None:
        return {}
    changed = {**entry["body"], **changes}
    entry["body"] = {field: value for field, value in changed.items() if value is not None}
    entry["ready"] = entry["ready"] if ready is None else ready
    cloud.store.put(collection, name, entry)
    return dict(entry["body"])


def below(call: Call, collection: str, prefix: str) -> list[Json]:
    """The bodies of all visible ones whose full name starts so."""
    entries = call.cloud.store.items(collection, prefix)
    return [entry["body"] for _name, entry in entries if entry["visible_at"] <= call.at]


def page(call: Call, field: str, bodies: list[Json]) -> Json:
    """One page of those that the call's filter lets through. Without any the field is absent, as Google has it."""
    matches = parse(call.get("filter", ""))
    kept = [body for body in bodies if matches(body)]
    size = call.get("pageSize") or call.get("maxResults") or 500
    start = _offset(call.get("pageToken", "0") or "0")
    answer: Json = {field: kept[start : start + size]} if kept[start:] else {}
    if len(kept) > start + size:
        answer["nextPageToken"] = str(start + size)
    return answer


def masked(call: Call) -> Json:
    """What a patch changes: the body's fields that the update mask names, or all of them."""
    mask = call.get("updateMask", "")
    if not mask:
        return call.body
    names = {_camel(path.split(".")[0]) for path in mask.split(",")}
    return {name: call.body.get(name) for name in names}


def merged(current: Json, changes: Json) -> Json:
    """A JSON merge patch: mappings are merged, lists and the rest replaced."""
    result = dict(current)
    for name, value in changes.items():
        held = result.get(name)
        result[name] = merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return result


def without_defaults(value: Any) -> Any:
    """As the newer services write JSON: what is false, zero or empty is left out."""
    if isinstance(value, dict):
        kept = {name: without_defaults(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if isinstance(item, dict) or item not in _DEFAULTS}
    return [without_defaults(item) for item in value] if isinstance(value, list) else value


def new_id() -> str:
    """Like the numbers that Google gives, as text."""
    return str(uuid4().int)[:19]


def etag() -> str:
    return uuid4().hex[:16]


def _offset(token: str) -> int:
    if not token.isdigit():
        raise errors.invalid(f"Invalid page token: {token}", "pageToken")
    return int(token)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)
