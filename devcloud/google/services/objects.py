"""Cloud Storage: objects, which others put there, and which go when a rule of their bucket's lifecycle says so."""

from datetime import datetime

from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.buckets import OBJECTS, need_bucket

_DAY = 24 * 3600.0


@implements("storage.objects.get")
def _get(call: Call) -> Json:
    return _need(call)


@implements("storage.objects.list")
def _list(call: Call) -> Json:
    _sweep(call)
    return resources.page(call, "items", resources.below(call, OBJECTS, f"{call['bucket']}/{call.get('prefix', '')}"))


@implements("storage.objects.delete")
def _delete(call: Call) -> Json:
    _need(call)
    call.cloud.store.delete(OBJECTS, _name(call))
    return {}


def put_object(cloud: Cloud, at: float, bucket: str, name: str, size: int) -> None:
    """The object is there, in place of one of the same name."""
    body = {
        "kind": "storage#object",
        "id": f"{bucket}/{name}",
        "bucket": bucket,
        "name": name,
        "size": str(size),
        "contentType": "application/octet-stream",
        "storageClass": "STANDARD",
        "generation": str(int(at * 1_000_000)),
        "timeCreated": rfc3339(at),
        "updated": rfc3339(at),
    }
    cloud.store.put(OBJECTS, f"{bucket}/{name}", {"body": body, "visible_at": at, "ready": True})


def _need(call: Call) -> Json:
    _sweep(call)
    found = resources.find(call, OBJECTS, _name(call))
    if found is None:
        raise errors.GoogleError(404, "notFound", f"No such object: {_name(call)}")
    return found


def _sweep(call: Call) -> None:
    """What a rule deletes by its age is gone. Google takes its time for that; whoever reads here does it first."""
    rules = need_bucket(call).get("lifecycle", {}).get("rule", [])
    deleting = [rule["condition"] for rule in rules if rule["action"]["type"] == "Delete"]
    ages = [condition["age"] for condition in deleting if "age" in condition]
    for name, entry in call.cloud.store.items(OBJECTS, f"{call['bucket']}/") if ages else ():
        if call.at - datetime.fromisoformat(entry["body"]["timeCreated"]).timestamp() >= min(ages) * _DAY:
            call.cloud.store.delete(OBJECTS, name)


def _name(call: Call) -> str:
    return f"{call['bucket']}/{call['object']}"
