"""How instances are used, by what they have counted themselves. Instances come scoped from other selectors."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from portal.core import clock
from provisioning.models import Instance, Usage

SHOWN_DAYS: Final = 30


def recent_usage(instance: Instance) -> list[Usage]:
    """The counts of the last 30 days, the oldest first; the newest one even if it is older. One query."""
    return recent_usages([instance])[instance.pk]


def recent_usages(instances: Iterable[Instance]) -> dict[str, list[Usage]]:
    """The same for each of these, by id; empty where it never counted. At most two queries."""
    found: dict[str, list[Usage]] = {instance.pk: [] for instance in instances}
    since = clock.now().date() - timedelta(days=SHOWN_DAYS - 1)
    for row in Usage.objects.filter(instance__in=list(found), day__gte=since).order_by("instance_id", "day"):
        found[row.instance_id].append(row)
    if silent := [key for key, rows in found.items() if not rows]:
        newest = Usage.objects.filter(instance__in=silent).order_by("instance_id", "-day").distinct("instance_id")
        found |= {row.instance_id: [row] for row in newest}
    return found
