"""Cloud Armor: security policies, their rules one by one, and the backend services that ask them.

Backend services are made by the load balancer's controller (devcloud/balancers.py), and by nobody else here.
"""

import re
from ipaddress import ip_network
from typing import Any

from devcloud.balancers import BACKENDS, HEADER, POLICIES, users_of
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import link
from devcloud.google.services.compute import Kind, operate, provide, relative, repeated

LAST_PRIORITY = 2**31 - 1
MOST_RANGES, MOST_RULES = 10, 200
_ACTION = re.compile(r"allow|deny\((403|404|502)\)")


def _complete_policy(_call: Call, _name: str, body: Json) -> Json:
    """Without rules it lets everybody in; with rules one of them has to say what happens to the rest."""
    rules = body.get("rules") or [_default_rule()]
    priorities = [rule.get("priority", 0) for rule in rules]
    if len(set(priorities)) < len(priorities):
        raise errors.invalid("Invalid value for field 'resource.rules': Cannot have rules with the same priorities.")
    if LAST_PRIORITY not in priorities:
        raise errors.invalid("Invalid value for field 'resource.rules': There must always be a default rule.")
    return {
        "type": "CLOUD_ARMOR",
        **body,
        "rules": sorted(map(_checked, rules), key=lambda rule: int(rule["priority"])),
        "fingerprint": body.get("fingerprint") or resources.etag(),
    }


def _check_unused(call: Call, name: str) -> None:
    for user in users_of(call.cloud, name):
        raise errors.in_use(name, user)


@implements("compute.securityPolicies.addRule")
def _add_rule(call: Call) -> Json:
    name, policy = _policy(call)
    rule = _checked(call.body)
    if any(other["priority"] == rule["priority"] for other in policy["rules"]):
        raise errors.invalid("Invalid value for field 'resource': Cannot have rules with the same priorities.")
    if len(policy["rules"]) >= MOST_RULES:
        raise errors.GoogleError(403, "quotaExceeded", f"Quota 'SECURITY_POLICY_RULES' exceeded. Limit: {MOST_RULES}.0")
    return _ruled(call, "addRule", name, [*policy["rules"], rule])


@implements("compute.securityPolicies.patchRule")
def _patch_rule(call: Call) -> Json:
    name, policy = _policy(call)
    held = _rule(call, policy)
    rule = _checked({**held, **call.body})
    if rule["priority"] != held["priority"]:
        raise errors.invalid("Invalid value for field 'resource.priority': it cannot be changed.")
    return _ruled(call, "patchRule", name, [rule if other == held else other for other in policy["rules"]])


@implements("compute.securityPolicies.removeRule")
def _remove_rule(call: Call) -> Json:
    name, policy = _policy(call)
    held = _rule(call, policy)
    if held["priority"] == LAST_PRIORITY:
        raise errors.invalid("Invalid value for field 'priority': The default rule cannot be removed.")
    return _ruled(call, "removeRule", name, [other for other in policy["rules"] if other != held])


@implements("compute.securityPolicies.getRule")
def _get_rule(call: Call) -> Json:
    name = f"projects/{call.project}/global/securityPolicies/{call['securityPolicy']}"
    return _rule(call, resources.need(call, POLICIES, name))


@implements("compute.backendServices.setSecurityPolicy")
def _set_policy(call: Call) -> Json:
    """An empty reference takes the policy off."""
    if earlier := repeated(call):
        return earlier
    name = f"projects/{call.project}/global/backendServices/{call['backendService']}"
    resources.need(call, BACKENDS, name)
    policy = relative(call.body.get("securityPolicy", ""))
    if policy:
        resources.need_ready(call, POLICIES, policy, "securityPolicy")
    outcome = operations.changed(BACKENDS, name, securityPolicy=link(call, policy) if policy else None)
    return operate(call, "setSecurityPolicy", name, call.cloud.profile.seconds("firewall"), outcome)


def _policy(call: Call) -> tuple[str, Json]:
    """Its full name and itself, free for a change: rules are changed one after the other."""
    name = f"projects/{call.project}/global/securityPolicies/{call['securityPolicy']}"
    resources.need(call, POLICIES, name)
    if operations.running_on(call.cloud, "compute", f"projects/{call.project}/global/", name):
        raise errors.GoogleError(400, "resourceNotReady", f"The resource '{name}' is not ready")
    return name, resources.need_ready(call, POLICIES, name, "securityPolicy")


def _rule(call: Call, policy: Json) -> Json:
    """The policy's own, of the priority that the call names."""
    priority = call.get("priority", 0)
    for rule in policy["rules"]:
        if rule["priority"] == priority:
            return dict(rule)
    raise errors.invalid(f"Invalid value for field 'priority': '{priority}'. The rule does not exist.", "priority")


def _ruled(call: Call, kind: str, name: str, rules: list[Json]) -> Json:
    ordered = sorted(rules, key=lambda rule: int(rule["priority"]))
    outcome = operations.changed(POLICIES, name, rules=ordered, fingerprint=resources.etag())
    return operate(call, kind, name, call.cloud.profile.seconds("firewall"), outcome)


def _checked(rule: Json) -> Json:
    """As Google would take it, or GoogleError 400."""
    priority, match = rule.get("priority", 0), rule.get("match", {})
    if not 0 <= priority <= LAST_PRIORITY:
        raise errors.invalid(f"Invalid value for field 'resource.priority': '{priority}'.")
    if not _ACTION.fullmatch(rule.get("action", "")):
        raise errors.invalid(f"Invalid value for field 'resource.action': '{rule.get('action', '')}'.")
    if ("versionedExpr" in match) is not ("config" in match) or ("expr" in match) is ("config" in match):
        raise errors.invalid("Invalid value for field 'resource.match': either an expression, or a version and config.")
    if "expr" in match and not HEADER.fullmatch(match["expr"].get("expression", "")):
        raise errors.invalid("Invalid value for field 'resource.match.expr': the expression cannot be parsed.")
    _check_ranges(priority, match)
    return {"kind": "compute#securityPolicyRule", "description": "", "preview": False, **rule, "priority": priority}


def _check_ranges(priority: int, match: Json) -> None:
    ranges = match.get("config", {}).get("srcIpRanges", [])
    if "config" in match and not 1 <= len(ranges) <= MOST_RANGES:
        message = f"At most {MOST_RANGES} and at least one source range can be specified."
        raise errors.invalid(f"Invalid value for field 'resource.match.config.srcIpRanges': {message}")
    if (priority == LAST_PRIORITY) and ranges != ["*"]:
        raise errors.invalid("Invalid value for field 'resource.match': the default rule has to match everything.")
    for text in ranges:
        _check_range(text)


def _check_range(text: str) -> None:
    try:
        if text != "*":
            ip_network(text)
    except ValueError:
        message = f"Invalid value for field 'resource.match.config.srcIpRanges[]': '{text}'. Must be a CIDR range."
        raise errors.invalid(message) from None


def _default_rule() -> dict[str, Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}}
    return {"priority": LAST_PRIORITY, "action": "allow", "match": match, "description": "default rule"}


for _kind in (
    Kind(
        "securityPolicies", "securityPolicy", "global", "firewall", "delete.firewall",
        complete=_complete_policy, check_deletable=_check_unused,
        verbs=("insert", "get", "list", "patch", "setLabels", "delete"), patchable=frozenset({"description"}),
    ),
    Kind("backendServices", "backendService", "global", "firewall", "delete.firewall", verbs=("get", "list")),
):  # fmt: skip
    provide(_kind)
