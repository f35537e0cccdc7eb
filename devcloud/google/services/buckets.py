"""Cloud Storage: buckets, whose names are one space for the whole world."""

import re

from devcloud.clock import rfc3339
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.projects import check_labels

BUCKETS = "storage.buckets"
OBJECTS = "storage.objects"  # by BUCKET/NAME
ACTIONS = {"Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"}

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


@implements("storage.buckets.insert")
def _insert(call: Call) -> Json:
    name = call.body["name"]
    if not _NAME.fullmatch(name) or name.startswith("goog"):
        raise errors.invalid(f"Invalid bucket name: '{name}'")
    check_labels(call.body.get("labels", {}))
    _check_lifecycle(call.body.get("lifecycle", {}))
    other = call.cloud.store.get(BUCKETS, name)
    if other:
        own = other["body"]["projectNumber"] == call.project_number
        message = (
            "Your previous request to create the named bucket succeeded and you already own it."
            if own
            else "The requested bucket name is not available: all users of the system share one namespace."
        )
        raise errors.GoogleError(409, "conflict", message)
    body = {
        "location": "US",
        "storageClass": "STANDARD",
        **call.body,
        "kind": "storage#bucket",
        "id": name,
        "selfLink": f"{call.base_url}/storage/v1/b/{name}",
        "projectNumber": call.project_number,
        "metageneration": "1",
        "timeCreated": rfc3339(call.at),
        "updated": rfc3339(call.at),
        "etag": "CAE=",
    }
    body["location"] = body["location"].upper()
    return resources.add(call, BUCKETS, name, body)


@implements("storage.buckets.get")
def _get(call: Call) -> Json:
    return need_bucket(call)


@implements("storage.buckets.list")
def _list(call: Call) -> Json:
    buckets = resources.below(call, BUCKETS, call.get("prefix", ""))
    return resources.page(call, "items", [b for b in buckets if b["projectNumber"] == call.project_number])


@implements("storage.buckets.delete")
def _delete(call: Call) -> Json:
    need_bucket(call)
    if resources.below(call, OBJECTS, f"{call['bucket']}/"):
        raise errors.GoogleError(409, "conflict", "The bucket you tried to delete is not empty.")
    call.cloud.store.delete(BUCKETS, call["bucket"])
    return {}


@implements("storage.buckets.patch")
def _patch(call: Call) -> Json:
    bucket = need_bucket(call)
    _check_lifecycle(call.body.get("lifecycle", {}))
    changes = {**call.body, "metageneration": str(int(bucket["metageneration"]) + 1), "updated": rfc3339(call.at)}
    return resources.replace(call.cloud, BUCKETS, call["bucket"], changes)


def need_bucket(call: Call) -> Json:
    """The bucket that the call is about. Raises GoogleError 404."""
    bucket = resources.find(call, BUCKETS, call["bucket"])
    if bucket is None:
        raise errors.GoogleError(404, "notFound", "The specified bucket does not exist.")
    return bucket


def _check_lifecycle(lifecycle: Json) -> None:
    for rule in lifecycle.get("rule", []):
        if rule.get("action", {}).get("type") not in ACTIONS or not rule.get("condition"):
            raise errors.invalid("A lifecycle management rule must have an action and at least one condition.")
