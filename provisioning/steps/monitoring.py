"""Whether somebody is woken when the instance is down: Cloud Monitoring, which names things itself."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from provisioning.clients.google import api, execute, pages
from provisioning.engine.action import AsWanted, Context, Differs, Missing, NotYet, Seen
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

PERIOD, TIMEOUT = "60s", "10s"
DOWN_FOR = "300s"
PASSED = "monitoring.googleapis.com/uptime_check/check_passed"


class Monitoring(GoogleAction):
    """Uptime check and alert

    All are found again by their labels: a second create would simply make a second one. What refers to another is made
    after it and goes before it: the check, whom to tell (where ALERT_EMAIL says whom), the alert.
    """

    def see(self, context: Context) -> Seen:
        found = {what: _found(context, what) for what in _wanted()}
        if all(found.values()):
            return AsWanted({what: thing["name"] for what, thing in found.items() if thing})
        if any(_found(context, what) for what in COLLECTIONS):
            return Differs(f"without {', '.join(what for what, thing in found.items() if not thing)}")
        return Missing()

    def create(self, context: Context) -> str:
        """The last call before a create is the look for that very thing, so a lease lost before makes no second."""
        for what in _wanted():
            body, parent = _body(context, what), COLLECTIONS[what].parent
            if not _found(context, what):
                execute(_collection(what).create(**{parent: f"projects/{context.spec.id}"}, body=body))
                return f"made the {what}"
        return "found all made"

    def remove(self, context: Context) -> str:
        for what in reversed(COLLECTIONS):
            if thing := _found(context, what):
                execute(_collection(what).delete(name=thing["name"]))
                return f"removed the {what}"
        return "found nothing to remove"


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


def _body(context: Context, what: str) -> dict[str, Any]:
    if what == CHECK:
        return _check_body(context)
    if what == CHANNEL:
        return _channel_body(context)
    check, channel = _found(context, CHECK), _found(context, CHANNEL)
    if check is None:
        raise NotYet("the uptime check to appear")
    return _alert_body(context, check["name"].rpartition("/")[2], channel)


def _channel_body(context: Context) -> dict[str, Any]:
    return {
        "type": "email",
        "displayName": "Who runs the fleet",
        "labels": {"email_address": settings.ALERT_EMAIL},
        "userLabels": context.spec.labels,
    }


def _check_body(context: Context) -> dict[str, Any]:
    spec = context.spec
    return {
        "displayName": f"{spec.domain} answers",
        "monitoredResource": {"type": "uptime_url", "labels": {"host": spec.domain, "project_id": spec.id}},
        "httpCheck": {"path": "/healthz", "port": 443, "useSsl": True, "validateSsl": True},
        "period": PERIOD,
        "timeout": TIMEOUT,
        "userLabels": spec.labels,
    }


def _alert_body(context: Context, check_id: str, channel: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "displayName": f"{context.spec.domain} is down",
        "combiner": "OR",
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
