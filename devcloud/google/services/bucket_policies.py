"""Cloud Storage: who may do what in a bucket, also on conditions, which are of two forms here."""

import re
from collections.abc import Iterable
from zlib import crc32

from devcloud.cloud import Cloud
from devcloud.google import errors, policies
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.buckets import need_bucket

BUCKET, OBJECT = "storage.googleapis.com/Bucket", "storage.googleapis.com/Object"
CREATE, DELETE = "storage.objects.create", "storage.objects.delete"
GRANTS = {
    "roles/storage.objectCreator": {CREATE},
    "roles/storage.objectUser": {CREATE, DELETE},
    "roles/storage.objectAdmin": {CREATE, DELETE},
    "roles/storage.admin": {CREATE, DELETE},
}
CONDITIONAL_VERSION = 3

_OF_TYPE = re.compile(r'resource\.type == "([^"]+)"')
_BELOW = re.compile(r'resource\.name\.startsWith\("([^"]+)"\)')


@implements("storage.buckets.getIamPolicy")
def _get(call: Call) -> Json:
    """Who has not asked for version 3 is told of conditional bindings by a name that no role has."""
    name = need_bucket(call)["name"]
    policy = policies.get_policy(call.cloud, _resource(name))
    if call.get("optionsRequestedPolicyVersion", 1) < CONDITIONAL_VERSION:
        policy = {**policy, "version": 1, "bindings": [_veiled(binding) for binding in policy.get("bindings", [])]}
    return _written(name, policy)


@implements("storage.buckets.setIamPolicy")
def _set(call: Call) -> Json:
    """The whole policy is the given one. Raises GoogleError 412 if it was written since it was read."""
    bucket, wanted = need_bucket(call), call.body
    held = policies.get_policy(call.cloud, _resource(bucket["name"]))
    if wanted.get("etag", held["etag"]) != held["etag"]:
        raise errors.GoogleError(
            412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."
        )
    for binding in wanted["bindings"]:
        policies.check_binding(call, binding)
        if "condition" in binding:
            _check_condition(bucket, wanted, binding["condition"])
    return _written(bucket["name"], policies.write_policy(call.cloud, _resource(bucket["name"]), wanted["bindings"]))


def missing(cloud: Cloud, bucket: str, name: str, email: str, permissions: Iterable[str]) -> list[str]:
    """Those of the permissions that the service account lacks, on the bucket itself or on the object of that name."""
    bindings = policies.get_policy(cloud, _resource(bucket)).get("bindings", [])
    mine = [binding for binding in bindings if f"serviceAccount:{email}" in binding["members"]]
    places = [(BUCKET, f"projects/_/buckets/{bucket}"), (OBJECT, f"projects/_/buckets/{bucket}/objects/{name}")]
    return [permission for permission in permissions if not all(_may(mine, permission, *place) for place in places)]


def _may(bindings: list[Json], permission: str, kind: str, name: str) -> bool:
    return any(
        permission in GRANTS.get(binding["role"], ()) and _holds(binding.get("condition"), kind, name)
        for binding in bindings
    )


def _holds(condition: Json | None, kind: str, name: str) -> bool:
    if condition is None:
        return True
    parts = condition["expression"].split(" || ")
    of_types = {found[1] for part in parts if (found := _OF_TYPE.fullmatch(part))}
    prefixes = [found[1] for part in parts if (found := _BELOW.fullmatch(part))]
    return kind in of_types or any(name.startswith(prefix) for prefix in prefixes)


def _check_condition(bucket: Json, policy: Json, condition: Json) -> None:
    if policy.get("version") != CONDITIONAL_VERSION:
        raise errors.invalid("Policies with conditions must be of version 3.")
    if not bucket.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {}).get("enabled"):
        raise errors.invalid("Conditions need uniform bucket-level access.")
    if not condition.get("title"):
        raise errors.invalid("A condition needs a title.")
    for part in condition["expression"].split(" || "):
        if not _OF_TYPE.fullmatch(part) and not _BELOW.fullmatch(part):
            raise errors.GoogleError(501, "notImplemented", f"devcloud does not understand the condition {part}.")


def _veiled(binding: Json) -> Json:
    if "condition" not in binding:
        return binding
    mark = crc32(str(binding["condition"]).encode())
    return {"role": f"{binding['role']}_withcond_{mark:x}", "members": binding["members"]}


def _written(bucket: str, policy: Json) -> Json:
    return {"kind": "storage#policy", "resourceId": f"projects/_/buckets/{bucket}", **policy}


def _resource(bucket: str) -> str:
    return f"buckets/{bucket}"
