"""Cloud Storage: buckets, whose names are one space for the whole world."""

import re

from devcloud.clock import rfc3339
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.projects import check_labels

BUCKETS = "storage.buckets"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


@implements("storage.buckets.insert")
def _insert(call: Call) -> Json:
    name = call.body["name"]
    if not _NAME.fullmatch(name) or name.startswith("goog"):
        raise errors.invalid(f"Invalid bucket name: '{name}'")
    check_labels(call.body.get("labels", {}))
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
    return _need(call)


@implements("storage.buckets.list")
def _list(call: Call) -> Json:
    buckets = resources.below(call, BUCKETS, call.get("prefix", ""))
    return resources.page(call, "items", [b for b in buckets if b["projectNumber"] == call.project_number])


@implements("storage.buckets.delete")
def _delete(call: Call) -> Json:
    _need(call)
    call.cloud.store.delete(BUCKETS, call["bucket"])
    return {}


def _need(call: Call) -> Json:
    bucket = resources.find(call, BUCKETS, call["bucket"])
    if bucket is None:
        raise errors.GoogleError(404, "notFound", "The specified bucket does not exist.")
    return bucket
