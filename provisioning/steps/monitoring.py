"""Whether somebody is woken when the instance is down: Cloud Monitoring, which names things itself."""

from typing import Any

from provisioning.clients.google import api, execute, pages
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Seen
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

PERIOD, TIMEOUT = "60s", "10s"
DOWN_FOR = "300s"
PASSED = "monitoring.googleapis.com/uptime_check/check_passed"


class Monitoring(GoogleAction):
    """Uptime check and alert

    Both are found again by their labels: a second create would simply make a second one. The alert goes before the
    check that it refers to.
    """

    def see(self, context: Context) -> Seen:
        check, alert = _check(context), _alert(context)
        if check and alert:
            return AsWanted({"uptime_check": check["name"]})
        return Differs("only one of both is there") if check or alert else Missing()

    def create(self, context: Context) -> str:
        project = f"projects/{context.spec.id}"
        check = _check(context)
        if check is None:
            execute(_checks().create(parent=project, body=_check_body(context)))
            return "made the uptime check"
        if _alert(context):
            return "found both made"
        execute(_alerts().create(name=project, body=_alert_body(context, check["name"].rpartition("/")[2])))
        return "made the alert"

    def remove(self, context: Context) -> str:
        if alert := _alert(context):
            execute(_alerts().delete(name=alert["name"]))
            return "removed the alert"
        if check := _check(context):
            execute(_checks().delete(name=check["name"]))
        return "removed the uptime check"


def _checks() -> Any:
    return api("monitoring", "v3").projects().uptimeCheckConfigs()


def _alerts() -> Any:
    return api("monitoring", "v3").projects().alertPolicies()


def _check(context: Context) -> dict[str, Any] | None:
    listing = pages(_checks(), _checks().list(parent=f"projects/{context.spec.id}"))
    found = [check for page in listing for check in page.get("uptimeCheckConfigs", ())]
    return next((check for check in found if names.is_ours(check.get("userLabels"), context.spec)), None)


def _alert(context: Context) -> dict[str, Any] | None:
    listing = pages(_alerts(), _alerts().list(name=f"projects/{context.spec.id}"))
    found = [alert for page in listing for alert in page.get("alertPolicies", ())]
    return next((alert for alert in found if names.is_ours(alert.get("userLabels"), context.spec)), None)


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


def _alert_body(context: Context, check_id: str) -> dict[str, Any]:
    return {
        "displayName": f"{context.spec.domain} is down",
        "combiner": "OR",
        "userLabels": context.spec.labels,
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
