"""The alerts that the portal ships with. From the first start on they are the admins', but for titles.

Thresholds of burns are those of Google's workbook on SLOs: at 14.4 a month's budget is gone in two days, at 6 in five
(sre.google/workbook/alerting-on-slos, read 2026-12-01). Each has a runbook of its name in docs/runbooks.
"""

from typing import Any, Final

from provisioning.fleet.standby import OLDEST_DATABASES
from provisioning.models import AlertRule

PAGE, TICKET = AlertRule.Severity.PAGE, AlertRule.Severity.TICKET

# fmt: off
SHIPPED: Final[tuple[dict[str, Any], ...]] = (
    {"key": "instance-down", "title": "An instance does not answer, for so many seconds", "severity": PAGE,
     "threshold": 60, "escalate_after_minutes": 15, "heals_a_day": 2},
    {"key": "fast-burn", "title": "The error budget of an instance goes so many times too fast, in an hour",
     "severity": PAGE, "threshold": 14.4, "escalate_after_minutes": 30},
    {"key": "slow-burn", "title": "The error budget of an instance goes so many times too fast, in six hours",
     "severity": TICKET, "threshold": 6},
    {"key": "fleet-burn", "title": "The error budget of all instances goes so many times too fast, in an hour",
     "severity": PAGE, "threshold": 6, "escalate_after_minutes": 15},
    {"key": "prober-stalled", "title": "Nobody has looked at instances for so many seconds", "severity": PAGE,
     "threshold": 120, "escalate_after_minutes": 15},
    {"key": "operation-failed", "title": "So many operations failed, and wait for a person",
     "severity": TICKET, "threshold": 1, "escalate_after_minutes": 8 * 60, "is_mailed": False},
    {"key": "operation-stuck", "title": "So many operations are stuck", "severity": PAGE,
     "threshold": 1, "escalate_after_minutes": 30, "is_mailed": False},
    {"key": "waiting-to-begin", "title": "An operation has waited to begin for so many seconds", "severity": TICKET,
     "threshold": 3_600},
    {"key": "rollout-paused", "title": "So many rollouts are paused by a gate", "severity": TICKET, "threshold": 1,
     "is_mailed": False},
    {"key": "drifted", "title": "So many things of an instance are not as they should be", "severity": TICKET,
     "threshold": 1, "for_seconds": 3_600},
    {"key": "leaked", "title": "So many leaks are open", "severity": TICKET, "threshold": 1},
    {"key": "hold-overdue", "title": "So many holds are past their day", "severity": TICKET, "threshold": 1,
     "is_mailed": False},
    {"key": "steps-late", "title": "A step has been due for so many seconds, and no worker has taken it",
     "severity": PAGE, "threshold": 300, "escalate_after_minutes": 15},
    {"key": "audit-unsealed", "title": "An audit event has waited for its seal for so many seconds",
     "severity": TICKET, "threshold": 3_600},
    {"key": "pods-unwell", "title": "So many components of an instance are not well", "severity": TICKET,
     "threshold": 1, "heals_a_day": 2},
    {"key": "disk-filling", "title": "A disk of an instance is so many percent full", "severity": PAGE,
     "threshold": 90, "escalate_after_minutes": 30, "heals_a_day": 2, "heals_by": AlertRule.HealsBy.GROW_DISK},
    {"key": "backup-missing", "title": "Databases of an instance have had no backup for so many hours",
     "severity": TICKET, "threshold": 36},
    {"key": "certificate-expiring", "title": "A certificate ends within so many days", "severity": PAGE,
     "threshold": 7, "escalate_after_minutes": 8 * 60},
    {"key": "custom-domain-lost", "title": "A name of a customer's own has not led to its instance for so many seconds",
     "severity": TICKET, "threshold": 0},
    {"key": "standby-behind", "title": "The standby of an instance is so many seconds behind, or there is none",
     "severity": TICKET, "threshold": OLDEST_DATABASES.total_seconds(), "for_seconds": 300},
    {"key": "health-unknown", "title": "An instance has not been seen from inside for so many seconds",
     "severity": TICKET, "threshold": 3_600, "for_seconds": 300},
    {"key": "canary-failed", "title": "So many runs of the canary in a row did not get through", "severity": PAGE,
     "threshold": 1, "escalate_after_minutes": 30},
    {"key": "canary-left-behind", "title": "What a run of the canary made is there so many seconds after its end",
     "severity": TICKET, "threshold": 7_200},
)
# fmt: on


def rules_ensure(**_signal: Any) -> None:
    """Every shipped rule is there. What admins have set stays; titles, and what heals, are as shipped."""
    known = {rule.pk: rule for rule in AlertRule.objects.all()}
    AlertRule.objects.bulk_create(AlertRule(**each) for each in SHIPPED if each["key"] not in known)
    for each in SHIPPED:
        wanted = {"title": each["title"], "heals_by": each.get("heals_by", AlertRule.HealsBy.REPAIR)}
        rule = known.get(each["key"])
        if rule and any(getattr(rule, name) != value for name, value in wanted.items()):
            AlertRule.objects.filter(pk=rule.pk).update(**wanted)
