"""IAM policies: read, changed and written back whole, guarded by the etag that was read."""

from collections.abc import Iterable
from typing import Any

from provisioning.clients.google.errors import NotFound
from provisioning.clients.google.session import execute
from provisioning.outcomes import NotYet

Grants = Iterable[tuple[str, str]]  # role, member


def missing(resources: Any, resource: str, grants: Grants) -> list[tuple[str, str]]:
    """Those of the grants that the policy of the resource does not give."""
    wanted_grants = list(grants)
    held = _held(_read(resources, resource)) if wanted_grants else set()
    return [wanted for wanted in wanted_grants if wanted not in held]


def grant(resources: Any, resource: str, grants: Grants) -> None:
    """All of the grants hold, in one write; what others granted stays.

    The policy is read right before, since Google's own agents write it too. Raises NotYet when somebody was quicker:
    then the whole has to be done again. `resources` is a collection that has getIamPolicy and setIamPolicy.
    """
    policy = _read(resources, resource)
    held = _held(policy)
    added = [{"role": role, "members": [member]} for role, member in grants if (role, member) not in held]
    policy["bindings"] = [*policy.get("bindings", ()), *added]
    try:
        execute(resources.setIamPolicy(resource=resource, body={"policy": policy}))
    except NotFound:
        raise NotYet(f"{resource} to be known everywhere") from None


def revoke(resources: Any, resource: str, grants: Grants) -> None:
    """None of the grants holds any more, in one write; what others granted stays. Raises NotYet as `grant` does."""
    policy, gone = _read(resources, resource), set(grants)
    policy["bindings"] = [kept for binding in policy.get("bindings", ()) if (kept := _without(binding, gone))]
    try:
        execute(resources.setIamPolicy(resource=resource, body={"policy": policy}))
    except NotFound:
        raise NotYet(f"{resource} to be known everywhere") from None


def _without(binding: dict[str, Any], gone: set[tuple[str, str]]) -> dict[str, Any] | None:
    """The binding without these members; None when nobody is left. One with a condition is another's."""
    if binding.get("condition"):
        return binding
    members = [member for member in binding.get("members", ()) if (binding["role"], member) not in gone]
    return {**binding, "members": members} if members else None


def _read(resources: Any, resource: str) -> dict[str, Any]:
    try:
        return execute(resources.getIamPolicy(resource=resource))
    except NotFound:
        raise NotYet(f"{resource} to be known everywhere") from None


def _held(policy: dict[str, Any]) -> set[tuple[str, str]]:
    unconditional = [binding for binding in policy.get("bindings", ()) if not binding.get("condition")]
    return {(binding["role"], member) for binding in unconditional for member in binding.get("members", ())}
