"""Cloud Logging's buckets: every project has two from the beginning, and for how long they keep entries can be set."""

import re

from devcloud.clock import rfc3339
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements

BUCKETS = "logging.buckets"

_NAME = re.compile(r"projects/[^/]+/locations/global/buckets/(_Default|_Required)")
_DAYS = {"_Default": 30, "_Required": 400}
_LONGEST_DAYS = 3650
_PARENT = "logging.projects.locations.buckets"


@implements(f"{_PARENT}.get")
def _get(call: Call) -> Json:
    return _bucket(call)


@implements(f"{_PARENT}.patch")
def _patch(call: Call) -> Json:
    """It is another from this answer on. What Google keeps for auditors stays as it is."""
    bucket = _bucket(call)
    if not call.get("updateMask"):
        raise errors.invalid("An update mask is required.", "update_mask")
    if bucket["locked"]:
        raise errors.invalid(f"Bucket {call['name']} is locked and cannot be changed.")
    changes = resources.masked(call)
    if changes.keys() - {"retentionDays", "description"}:
        raise errors.invalid("Only retention_days and description of a default bucket can be updated.", "update_mask")
    if not 1 <= (changes.get("retentionDays") or _DAYS["_Default"]) <= _LONGEST_DAYS:
        raise errors.invalid(f"Retention must be between 1 and {_LONGEST_DAYS} days.", "bucket.retention_days")
    changed = {**bucket, **changes, "updateTime": rfc3339(call.at)}
    call.cloud.store.put(BUCKETS, call["name"], {"body": changed, "visible_at": call.at, "ready": True})
    return changed


def _bucket(call: Call) -> Json:
    """As it was made with its project, or as it was changed since."""
    match = _NAME.fullmatch(call["name"])
    if match is None:
        raise errors.not_found(call["name"])
    as_made = {
        "name": call["name"],
        "description": "Audit bucket" if match[1] == "_Required" else "Default bucket",
        "retentionDays": _DAYS[match[1]],
        "lifecycleState": "ACTIVE",
        "locked": match[1] == "_Required",
    }
    return resources.find(call, BUCKETS, call["name"]) or as_made
