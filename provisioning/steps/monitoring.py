"""Whether somebody is woken when the instance is down: Cloud Monitoring, which names things itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from provisioning.clients.application import PASS_HEADER
from provisioning.clients.google import api, execute, pages
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, NotYet, Seen
from provisioning.fleet.features import ALLOW_LIST
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences, labelled, refuse_fixed
from provisioning.steps.google import GoogleAction, changed
from provisioning.steps.reaching import probe_pass

PERIOD, TIMEOUT = "60s", "10s"
DOWN_FOR = "300s"
MASKED = "******"  # how Google shows the value of a header that is not to be seen
FIXED = {"monitoredResource", "type"}  # decided when a check or a channel is made
PASSED = "monitoring.googleapis.com/uptime_check/check_passed"

Thing = dict[str, Any]
Found = Mapping[str, Thing | None]  # by what it is, those that are wanted


class Monitoring(GoogleAction):
    """Uptime check and alert

    Of a suspended instance they stay, switched off. All are found again by their labels: a second create would simply
    make a second one. What refers to another is made after it and goes before it: the check, whom to tell (where
    ALERT_EMAIL says whom), the alert.
    """

    def see(self, context: Context) -> Seen:
        found = {what: _found(context, what) for what in _wanted()}
        if not any(found.values()) and not any(_found(context, what) for what in COLLECTIONS if what not in found):
            return Missing("monitoring.googleapis.com lists nothing that bears the instance's labels")
        if changes := [change for what in found for change in _changes(context, what, found)]:
            absent = [what for what in found if not found[what]]
            return Differs(f"without {', '.join(absent)}", tuple(changes)) if absent else Differs.in_settings(changes)
        return AsWanted({what: thing["name"] for what, thing in found.items() if thing})

    def create(self, context: Context) -> str:
        """The last call before a create is the look for that very thing, so a lease lost before makes no second."""
        found: dict[str, Thing | None] = {}
        for what in _wanted():
            body, parent = _body(context, what, found), COLLECTIONS[what].parent
            found[what] = _found(context, what)
            if not found[what]:
                project = {parent: f"projects/{context.spec.id}"}
                execute(_collection(what).create(**project, body=_with_pass(context, body)))
                return f"made the {what}"
            if changes := _changes(context, what, found):
                return _change(context, what, found, changes)
        return "found all made"

    def remove(self, context: Context) -> str:
        for what in reversed(COLLECTIONS):
            if thing := _found(context, what):
                execute(_collection(what).delete(name=thing["name"]))
                return f"removed the {what}"
        return "found nothing to remove"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "monitoring", COLLECTIONS[CHECK].name)


def has_uptime_check(context: Context) -> bool:
    """Whether Google looks at the instance every minute."""
    return _found(context, CHECK) is not None


@dataclass(frozen=True)
class Collection:
    """Where things of a kind are listed, and what the API calls the project there."""

    name: str
    parent: str


CHECK, CHANNEL, ALERT = "uptime check", "notification channel", "alert"
COLLECTIONS = {
    CHECK: Collection("uptimeCheckConfigs", "parent"),
    CHANNEL: Collection("notificationChannels", "name"),
    ALERT: Collection("alertPolicies", "name"),
}


def _wanted() -> list[str]:
    return [what for what in COLLECTIONS if what != CHANNEL or settings.ALERT_EMAIL]


def _collection(what: str) -> Any:
    return getattr(api("monitoring", "v3").projects(), COLLECTIONS[what].name)()


def _found(context: Context, what: str) -> dict[str, Any] | None:
    kind = COLLECTIONS[what]
    first = _collection(what).list(**{kind.parent: f"projects/{context.spec.id}"})
    found = [thing for page in pages(_collection(what), first) for thing in page.get(kind.name, ())]
    return next((thing for thing in found if names.is_ours(thing.get("userLabels"), context.spec)), None)


def _changes(context: Context, what: str, found: Found) -> list[Change]:
    """What of one thing is not as wanted; of an alert whose check is not there, nothing can be told."""
    thing = found[what]
    if thing is None:
        return [Change(COLLECTIONS[what].name, what, None)]
    if what == ALERT and not found[CHECK]:
        return []
    changes = differences(_body(context, what, found), thing)
    return [replace(change, path=f"{COLLECTIONS[what].name}.{change.path}") for change in changes]


def _change(context: Context, what: str, found: Found, changes: list[Change]) -> str:
    """All fields that differ, in one patch. What a check looks at is decided when it is made."""
    thing = found[what] or {}
    fields = list(dict.fromkeys(re.split(r"[.\[]", change.path)[1] for change in changes))
    changeable = [f"{COLLECTIONS[what].name}.{field}" for field in fields if field not in FIXED]
    refuse_fixed(f"The {what}", changes, changeable, "Delete it in the project, then retry the step: it is made anew.")
    body = _with_pass(context, _body(context, what, found))
    body["userLabels"] = labelled(thing.get("userLabels"), context.spec.labels)
    wanted = {field: body[field] for field in fields}
    request = _collection(what).patch(name=thing["name"], updateMask=",".join(fields), body=wanted)
    return changed(context, request, changes)


def _body(context: Context, what: str, found: Found) -> Thing:
    if what == CHECK:
        return _check_body(context)
    if what == CHANNEL:
        return _channel_body(context)
    check, channel = found.get(CHECK), found.get(CHANNEL)
    if check is None:
        raise NotYet("the uptime check to appear")
    return _alert_body(context, check["name"].rpartition("/")[2], channel)


def _channel_body(context: Context) -> dict[str, Any]:
    return {
        "type": "email",
        "enabled": True,
        "displayName": "Who runs the fleet",
        "labels": {"email_address": settings.ALERT_EMAIL},
        "userLabels": context.spec.labels,
    }


def _check_body(context: Context) -> dict[str, Any]:
    spec = context.spec
    return {
        "displayName": f"{spec.domain} answers",
        "monitoredResource": {"type": "uptime_url", "labels": {"host": spec.domain, "project_id": spec.id}},
        "httpCheck": {"path": "/healthz", "port": 443, "useSsl": True, "validateSsl": True, **_passing(spec)},
        "period": PERIOD,
        "timeout": TIMEOUT,
        "disabled": spec.is_suspended,
        "userLabels": spec.labels,
    }


def _passing(spec: InstanceSpec) -> dict[str, Any]:
    """The portal's pass where only some addresses are let in. Google shows masked headers as asterisks."""
    has_list = spec.has_part(ALLOW_LIST)
    return {"headers": {PASS_HEADER: MASKED} if has_list else {}, "maskHeaders": has_list}


def _with_pass(context: Context, body: Thing) -> Thing:
    """The body as it is sent: what is masked is in it as it is."""
    if MASKED not in body.get("httpCheck", {}).get("headers", {}).values():
        return body
    value = probe_pass(context.spec)
    if value is None:
        raise NotYet("the portal's pass to be readable")
    return {**body, "httpCheck": {**body["httpCheck"], "headers": {PASS_HEADER: value}}}


def _alert_body(context: Context, check_id: str, channel: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "displayName": f"{context.spec.domain} is down",
        "combiner": "OR",
        "enabled": not context.spec.is_suspended,
        "userLabels": context.spec.labels,
        "notificationChannels": [channel["name"]] if channel else [],
        "conditions": [
            {
                "displayName": "The uptime check fails",
                "conditionThreshold": {
                    "filter": f'metric.type="{PASSED}" AND metric.labels.check_id="{check_id}" '
                    'AND resource.type="uptime_url"',
                    "comparison": "COMPARISON_GT",
                    "thresholdValue": 1,
                    "duration": DOWN_FOR,
                    "aggregations": [
                        {
                            "alignmentPeriod": "1200s",
                            "perSeriesAligner": "ALIGN_NEXT_OLDER",
                            "crossSeriesReducer": "REDUCE_COUNT_FALSE",
                            "groupByFields": ["resource.label.*"],
                        }
                    ],
                },
            }
        ],
    }
