"""IAM policies: whole ones are read and written, guarded by an etag; members must exist."""

import re

from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json

POLICIES = "iam.policies"
ACCOUNTS = "iam.serviceAccounts"  # by mail address
IDENTITY_POOLS = "iam.identityPools"  # by project id: made by the first cluster that has workload identity

_ROLE = re.compile(r"(roles|(projects|organizations)/[^/]+/roles)/[A-Za-z0-9_.]+")
_PERSON = re.compile(r"(user|group):[^@\s]+@[^@\s]+|domain:[^@\s]+|allUsers|allAuthenticatedUsers")
_WORKLOAD = re.compile(r"serviceAccount:([a-z0-9-]+)\.svc\.id\.goog\[[a-z0-9-]+/[a-z0-9-]+\]")
_ACCOUNT = re.compile(r"serviceAccount:([^@\s\[]+@[^@\s]+)")


def get_policy(cloud: Cloud, name: str) -> Json:
    """The policy on the resource of this full name; an empty one has an etag too."""
    return cloud.store.get(POLICIES, name) or {"version": 1, "etag": "ACAB"}


def set_policy(call: Call, name: str) -> Json:
    """The whole policy is the given one. Raises GoogleError 409 ABORTED if it was written since it was read."""
    wanted: Json = call.body.get("policy", {})
    current = get_policy(call.cloud, name)
    if wanted.get("etag", current["etag"]) != current["etag"]:
        raise errors.stale(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
        )
    for binding in wanted.get("bindings", []):
        check_binding(call, binding)
    return write_policy(call.cloud, name, wanted.get("bindings", []))


def grant(cloud: Cloud, name: str, role: str, member: str) -> None:
    """The member has the role on the resource, as when Google grants something to one of its own agents."""
    bindings = get_policy(cloud, name).get("bindings", [])
    held = next((binding for binding in bindings if binding["role"] == role), None)
    if held is None:
        bindings.append({"role": role, "members": [member]})
    elif member not in held["members"]:
        held["members"].append(member)
    write_policy(cloud, name, bindings)


def account_exists(call: Call, email: str) -> bool:
    """Whether the service account can be granted something: a new one is unknown to IAM for a while."""
    entry = call.cloud.store.get(ACCOUNTS, email)
    return entry is not None and entry["visible_at"] <= call.at


def write_policy(cloud: Cloud, name: str, bindings: list[Json]) -> Json:
    """The policy on the resource has these bindings, and another etag."""
    version = 3 if any("condition" in binding for binding in bindings) else 1
    policy: Json = {"version": version, "etag": f"Bw{resources.etag()[:10]}", "bindings": bindings}
    cloud.store.put(POLICIES, name, policy)
    return policy


def check_binding(call: Call, binding: Json) -> None:
    """Raises GoogleError 400 for a role that there cannot be, and for a member that there is not."""
    role = binding.get("role", "")
    if not _ROLE.fullmatch(role):
        raise errors.invalid(f"Role {role} is not supported for this resource.", "policy.bindings.role")
    for member in binding.get("members", []):
        _check_member(call, member)


def _check_member(call: Call, member: str) -> None:
    if _PERSON.fullmatch(member):
        return
    workload = _WORKLOAD.fullmatch(member)
    account = _ACCOUNT.fullmatch(member)
    if workload:
        if not call.cloud.store.get(IDENTITY_POOLS, workload[1]):
            raise errors.invalid(
                f"Identity Pool does not exist ({workload[1]}.svc.id.goog).", "policy.bindings.members"
            )
    elif not account:
        raise errors.invalid(f"Invalid principal: {member}.", "policy.bindings.members")
    elif not account_exists(call, account[1]):
        raise errors.invalid(f"Service account {account[1]} does not exist.", "policy.bindings.members")
