"""Cloud Storage: objects, which others put there, and which go when a rule of their bucket's lifecycle says so."""

import base64
from datetime import datetime

from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.buckets import BUCKETS, OBJECTS, need_bucket

_CONTENT = "content"  # of an entry, in base64
_DAY = 24 * 3600.0


@implements("storage.objects.get")
def _get(call: Call) -> Json:
    return _need(call)


@implements("storage.objects.list")
def _list(call: Call) -> Json:
    need_bucket(call)
    _sweep(call.cloud, call.at, call["bucket"])
    return resources.page(call, "items", resources.below(call, OBJECTS, f"{call['bucket']}/{call.get('prefix', '')}"))


@implements("storage.objects.delete")
def _delete(call: Call) -> Json:
    _need(call)
    call.cloud.store.delete(OBJECTS, _name(call))
    return {}


def put_object(cloud: Cloud, at: float, bucket: str, name: str, content: bytes) -> None:
    """The object is there, in place of one of the same name."""
    body = {
        "kind": "storage#object",
        "id": f"{bucket}/{name}",
        "bucket": bucket,
        "name": name,
        "size": str(len(content)),
        "contentType": "application/octet-stream",
        "storageClass": "STANDARD",
        "generation": str(int(at * 1_000_000)),
        "timeCreated": rfc3339(at),
        "updated": rfc3339(at),
    }
    cloud.store.put(OBJECTS, f"{bucket}/{name}", {"body": body, "visible_at": at, "ready": True, **_kept(content)})


def content_of(cloud: Cloud, at: float, bucket: str, name: str) -> bytes | None:
    """What is in the object; None for none, or for one whose time is over."""
    _sweep(cloud, at, bucket)
    entry = cloud.store.get(OBJECTS, f"{bucket}/{name}")
    return base64.b64decode(entry[_CONTENT]) if entry else None


def _kept(content: bytes) -> Json:
    return {_CONTENT: base64.b64encode(content).decode()}


def _need(call: Call) -> Json:
    need_bucket(call)
    _sweep(call.cloud, call.at, call["bucket"])
    found = resources.find(call, OBJECTS, _name(call))
    if found is None:
        raise errors.GoogleError(404, "notFound", f"No such object: {_name(call)}")
    return found


def _sweep(cloud: Cloud, at: float, bucket: str) -> None:
    """What a rule deletes by its age is gone. Google takes its time for that; whoever reads here does it first."""
    held = cloud.store.get(BUCKETS, bucket)
    rules = held["body"].get("lifecycle", {}).get("rule", []) if held else []
    deleting = [rule["condition"] for rule in rules if rule["action"]["type"] == "Delete"]
    ages = [condition["age"] for condition in deleting if "age" in condition]
    for name, entry in cloud.store.items(OBJECTS, f"{bucket}/") if ages else ():
        if at - datetime.fromisoformat(entry["body"]["timeCreated"]).timestamp() >= min(ages) * _DAY:
            cloud.store.delete(OBJECTS, name)


def _name(call: Call) -> str:
    return f"{call['bucket']}/{call['object']}"
