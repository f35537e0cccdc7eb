"""Cloud Monitoring: notification channels, uptime checks and alert policies. Google names them, not the caller."""

from collections.abc import Callable
from dataclasses import dataclass

from devcloud.clock import rfc3339
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements

CHANNELS = "monitoring.notificationChannels"
CHECKS = "monitoring.uptimeCheckConfigs"
ALERTS = "monitoring.alertPolicies"

_DEFAULTS: dict[str, Json] = {
    "notificationChannels": {"enabled": True},
    "uptimeCheckConfigs": {"checkerType": "STATIC_IP_CHECKERS", "period": "60s"},
    "alertPolicies": {"enabled": True},
}
_MOST_HEADERS, _MASK = 100, "******"
_FIXED = {"type", "monitoredResource", "resourceGroup"}
_PERIODS = {"60s", "300s", "600s", "900s"}


def _check_channel(_call: Call, body: Json) -> None:
    if not body.get("type") or not body.get("labels"):
        raise errors.invalid("A notification channel needs a type and its labels.", "notification_channel")
    if body["type"] == "email" and "email_address" not in body["labels"]:
        raise errors.invalid("An email channel needs the label email_address.", "notification_channel.labels")


def _check_uptime(_call: Call, body: Json) -> None:
    if not body.get("displayName") or not {"monitoredResource", "resourceGroup", "syntheticMonitor"} & set(body):
        raise errors.invalid("An uptime check needs a display name and a resource.", "uptime_check_config")
    if not {"httpCheck", "tcpCheck", "syntheticMonitor"} & set(body):
        raise errors.invalid("An uptime check needs an HTTP or a TCP check.", "uptime_check_config")
    if len(body.get("httpCheck", {}).get("headers", {})) > _MOST_HEADERS:
        raise errors.invalid(f"At most {_MOST_HEADERS} headers.", "uptime_check_config.http_check.headers")
    if body.get("period", "60s") not in _PERIODS:
        raise errors.invalid(f"Invalid period {body['period']}.", "uptime_check_config.period")
    if not 1 <= float(body.get("timeout", "10s").removesuffix("s")) <= 60:
        raise errors.invalid(f"Invalid timeout {body['timeout']}.", "uptime_check_config.timeout")


def _check_alert(call: Call, body: Json) -> None:
    if not body.get("displayName") or not body.get("conditions") or "combiner" not in body:
        raise errors.invalid("An alert policy needs a display name, a combiner and conditions.", "alert_policy")
    for condition in body["conditions"]:
        if not condition.get("displayName") or not any(key.startswith("condition") for key in condition):
            raise errors.invalid("A condition needs a display name and what it looks at.", "alert_policy.conditions")
    for channel in body.get("notificationChannels", []):
        resources.need(call, CHANNELS, channel)


def _check_unreferenced(call: Call, name: str) -> None:
    """An uptime check stays while an alert policy looks at it."""
    check_id = name.rpartition("/")[2]
    for policy in resources.below(call, ALERTS, f"projects/{call.project}/"):
        if any(f'"{check_id}"' in str(_filter(condition)) for condition in policy["conditions"]):
            raise errors.precondition(f"Cannot delete check {check_id}. One or more alerting policies is using it.")


def _check_unused_channel(call: Call, name: str) -> None:
    policies = resources.below(call, ALERTS, f"projects/{call.project}/")
    users = [policy["name"] for policy in policies if name in policy.get("notificationChannels", [])]
    if users and not call.get("force"):
        raise errors.precondition(f"Cannot delete {name}. It is used by {users[0]}.")


def _filter(condition: Json) -> str:
    return " ".join(str(part.get("filter", "")) for part in condition.values() if isinstance(part, dict))


@dataclass(frozen=True)
class Kind:
    """What is checked of a new or changed body, and before a deletion."""

    check: Callable[[Call, Json], None]
    check_deletable: Callable[[Call, str], None] = lambda _call, _name: None


_KINDS = {
    "notificationChannels": Kind(_check_channel, _check_unused_channel),
    "uptimeCheckConfigs": Kind(_check_uptime, _check_unreferenced),
    "alertPolicies": Kind(_check_alert),
}


def _for_all(verb: str) -> list[str]:
    return [f"monitoring.projects.{name}.{verb}" for name in _KINDS]


@implements(*_for_all("create"))
def _create(call: Call) -> Json:
    name, collection = _kind(call)
    _KINDS[name].check(call, call.body)
    full_name = f"{_parent(call)}/{name}/{resources.new_id()}"
    record = {"mutateTime": rfc3339(call.at), "mutatedBy": "portal"}
    records = {"creationRecord": record, "mutationRecord": record} if name == "alertPolicies" else {}
    body = {**_DEFAULTS[name], **call.body, "name": full_name, **records}
    return _shown(resources.add(call, collection, full_name, _completed(body)))


@implements(*_for_all("list"))
def _list(call: Call) -> Json:
    name, collection = _kind(call)
    found = resources.below(call, collection, f"{_parent(call)}/{name}/")
    return resources.page(call, name, [_shown(body) for body in found])


@implements(*_for_all("get"))
def _get(call: Call) -> Json:
    return _shown(resources.need(call, _kind(call)[1], call["name"]))


@implements(*_for_all("patch"))
def _patch(call: Call) -> Json:
    name, collection = _kind(call)
    held, changes = resources.need(call, collection, call["name"]), resources.masked(call)
    if fixed := {field for field in _FIXED & set(changes) if changes[field] != held.get(field)}:
        raise errors.invalid(f"Field {min(fixed)} cannot be changed.", min(fixed))
    body = {**held, **changes, "name": call["name"]}
    _KINDS[name].check(call, {field: value for field, value in body.items() if value is not None})
    return _shown(resources.replace(call.cloud, collection, call["name"], _completed(body)))


@implements(*_for_all("delete"))
def _delete(call: Call) -> Json:
    name, collection = _kind(call)
    resources.need(call, collection, call["name"])
    _KINDS[name].check_deletable(call, call["name"])
    call.cloud.store.delete(collection, call["name"])
    return {}


def _completed(body: Json) -> Json:
    """With the names that Google gives to an alert's conditions."""
    if "conditions" not in body:
        return body
    named = [{"name": f"{body['name']}/conditions/{resources.new_id()}", **found} for found in body["conditions"]]
    return {**body, "conditions": named}


def _shown(body: Json) -> Json:
    """What is masked of it is never seen again."""
    check = body.get("httpCheck", {})
    if not check.get("maskHeaders"):
        return body
    return {**body, "httpCheck": {**check, "headers": dict.fromkeys(check.get("headers", {}), _MASK)}}


def _kind(call: Call) -> tuple[str, str]:
    """The kind's name, and the collection where its resources are."""
    name = call.method.id.split(".")[2]
    return name, f"monitoring.{name}"


def _parent(call: Call) -> str:
    """The project; what the parameter is called differs from kind to kind."""
    return str(call.get("parent") or call["name"])
