"""How instances are used, by what they have counted themselves. Instances come scoped from other selectors."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from portal.core import clock
from provisioning.models import Instance, Usage

SHOWN_DAYS: Final = 30


def recent_usages(instances: Iterable[Instance]) -> dict[str, list[Usage]]:
    """The counts of each of these in the last 30 days, by id, the oldest first; the newest one even if it is older, and
    none where it never counted. At most two queries.
    """
    found: dict[str, list[Usage]] = {instance.pk: [] for instance in instances}
    since = clock.now().date() - timedelta(days=SHOWN_DAYS - 1)
    for row in Usage.objects.filter(instance__in=list(found), day__gte=since).order_by("instance_id", "day"):
        found[row.instance_id].append(row)
    if silent := [key for key, rows in found.items() if not rows]:
        found |= {key: [row] for key, row in newest_usages(silent).items()}
    return found


def newest_usages(ids: Iterable[str]) -> dict[str, Usage]:
    """The newest count of each instance that has one, by its id. One query."""
    rows = Usage.objects.filter(instance__in=list(ids)).order_by("instance_id", "-day").distinct("instance_id")
    return {row.instance_id: row for row in rows}
