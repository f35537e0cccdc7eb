"""The bucket in which final backups outlive their projects: Cloud Storage, in the portal's own project.

Whatever is wrong with it is a person's business, and is never taken for something that is missing of an instance.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from provisioning.clients.google import Forbidden, NotFound, Passing, ServiceDisabled, api, execute
from provisioning.engine.action import NotYet, Refused, seconds
from provisioning.fleet.final_backups import KEPT_DAYS
from provisioning.spec import InstanceSpec

DELETES: Final = {"age": KEPT_DAYS}  # the condition of the bucket's one rule that deletes
WRITES: Final = "roles/storage.objectAdmin"
POLICY_VERSION: Final = 3  # the first with conditions
CHANGED_MEANWHILE: Final = {409, 412}
AS_WRITTEN: Final = "Make it as docs/google-cloud.md, “Final backups”, says; then retry the step."

Binding = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """An object, whole."""

    size: int
    at: datetime


def uri(name: str) -> str:
    return f"gs://{settings.GOOGLE_BACKUP_BUCKET}/{name}"


def check_bucket() -> None:
    """Raises Refused unless it keeps what is put there for KEPT_DAYS and no longer, from all but those let in."""
    with _a_persons_business():
        bucket = execute(_storage().buckets().get(bucket=settings.GOOGLE_BACKUP_BUCKET))
    rules = bucket.get("lifecycle", {}).get("rule", ())
    deleting = [rule["condition"] for rule in rules if rule["action"]["type"] == "Delete"]
    access = bucket.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {})
    if deleting != [DELETES]:
        what = f"The bucket {bucket['name']} has to have one rule that deletes, by an age of {KEPT_DAYS} days alone."
        raise Refused(what, AS_WRITTEN)
    if not access.get("enabled") or bucket.get("versioning", {}).get("enabled"):
        raise Refused(f"The bucket {bucket['name']} has to have uniform access, and no versions.", AS_WRITTEN)


def stored(name: str) -> Stored | None:
    """The object of that name; None where there is none, or nothing in it."""
    request = _storage().objects().get(bucket=settings.GOOGLE_BACKUP_BUCKET, object=name)
    try:
        with _a_persons_business(none_is_none=True):
            found = execute(request)
    except NotFound:
        return None
    size = int(found["size"])
    return Stored(size, datetime.fromisoformat(found["timeCreated"])) if size else None


def is_let_in(spec: InstanceSpec) -> bool:
    """Whether the instance's database server may write there."""
    return any(_is_of(binding, spec) for binding in _policy().get("bindings", ()))


def let_in(spec: InstanceSpec, email: str) -> None:
    """The account of the instance's database server may write below the instance's own name, and nobody else more.

    On the bucket itself, too, for Cloud SQL asks there before it begins: terraform-google-sql-db issue 599.
    """
    below = f'resource.name.startsWith("projects/_/buckets/{settings.GOOGLE_BACKUP_BUCKET}/objects/{spec.id}/")'
    expression = f'resource.type == "storage.googleapis.com/Bucket" || {below}'
    condition = {"title": _title(spec), "expression": expression}
    binding = {"role": WRITES, "members": [f"serviceAccount:{email}"], "condition": condition}
    policy = _policy()
    _write(policy, [*_others(policy, spec), binding])


def shut_out(spec: InstanceSpec) -> None:
    """Nobody may write there for the instance."""
    policy = _policy()
    others = _others(policy, spec)
    if others != policy.get("bindings", []):
        _write(policy, others)


def _policy() -> dict[str, Any]:
    version = {"optionsRequestedPolicyVersion": POLICY_VERSION}
    with _a_persons_business():
        return execute(_storage().buckets().getIamPolicy(bucket=settings.GOOGLE_BACKUP_BUCKET, **version))


def _write(policy: dict[str, Any], bindings: list[Binding]) -> None:
    """Raises NotYet where another teardown has written it since it was read."""
    body = {"version": POLICY_VERSION, "etag": policy["etag"], "bindings": bindings}
    try:
        with _a_persons_business():
            execute(_storage().buckets().setIamPolicy(bucket=settings.GOOGLE_BACKUP_BUCKET, body=body))
    except Passing as passing:
        if passing.problem.http not in CHANGED_MEANWHILE:
            raise
        raise NotYet("another teardown to be done with the bucket's policy", seconds(5)) from passing


def _others(policy: dict[str, Any], spec: InstanceSpec) -> list[Binding]:
    return [binding for binding in policy.get("bindings", ()) if not _is_of(binding, spec)]


def _is_of(binding: Binding, spec: InstanceSpec) -> bool:
    return bool(binding.get("condition", {}).get("title") == _title(spec))


def _title(spec: InstanceSpec) -> str:
    return f"final backup of {spec.id}"


def _storage() -> Any:
    return api("storage", "v1")


@contextmanager
def _a_persons_business(*, none_is_none: bool = False) -> Iterator[None]:
    """What is off, not there or not allowed is Refused; with `none_is_none` what is not there is for the caller."""
    name = settings.GOOGLE_BACKUP_BUCKET
    try:
        yield
    except ServiceDisabled as error:
        raise Refused("storage.googleapis.com is not enabled in the portal's own project.", AS_WRITTEN) from error
    except NotFound as error:
        if none_is_none:
            raise
        raise Refused(f"There is no bucket {name}.", AS_WRITTEN) from error
    except Forbidden as error:
        raise Refused(f"The portal may not do that in the bucket {name}: {error}", AS_WRITTEN) from error
