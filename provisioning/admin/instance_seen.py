"""What the page of an instance shows beside its fields: how it did, how it is used, and what is wrong with it now."""

from typing import Any

from django.urls import reverse

from portal.core import clock
from provisioning.admin.alerts import alert_pill, open_now
from provisioning.admin.links import address_of, list_address
from provisioning.admin.plots import count_by_day, lost_by_day, percent
from provisioning.models import Alert, Instance
from provisioning.selectors.reliability import reliability_of
from provisioning.selectors.usage import SHOWN_DAYS, recent_usages

FIGURES = (("seats", "Accounts"), ("active_7d", "Active people, of seven days"))


def instance_seen(instance: Instance) -> dict[str, Any]:
    """The context of the page. At most seven queries."""
    found, now = reliability_of(instance), clock.now()
    usages = recent_usages([instance])[instance.pk]
    month, before = percent(found.month.share), percent(found.before.share)
    return {
        "lost": lost_by_day(found.days),
        "uptime": f"Uptime without maintenance: {month} this month, {before} last month. Of this month's error budget "
        f"{found.left:.0%} is left.",
        "uses": [
            (title, count_by_day(title, usages, name, now.date(), SHOWN_DAYS)) for name, title in FIGURES if usages
        ],
        "alerts": [
            (alert, address_of(alert), alert_pill(alert))
            for alert in Alert.objects.filter(open_now(), instance=instance).select_related("rule")
        ],
        "beside": [
            ("What it costs and brings", reverse("admin:billing_instancecosts_change", args=[instance.pk])),
            ("All of its operations", list_address("provisioning_operation", q=instance.pk)),
            ("All that was done to it", list_address("core_auditevent", q=instance.pk)),
        ],
    }
