"""How instances do, as seen from outside: outages, how often they were looked at, and what is left of their budget."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from portal.core import clock
from provisioning.models import Outage

SHORTEST_SECONDS = 3_600.0
PAIRS = "unnest(%(ids)s::text[], %(since)s::timestamptz[]) AS wanted (instance_id, since)"
PROBES = f"""
SELECT wanted.instance_id, coalesce(sum(tally.probes), 0), coalesce(sum(tally.failed), 0)
FROM {PAIRS} LEFT JOIN provisioning_probetally AS tally
    ON tally.instance_id = wanted.instance_id AND tally.hour >= wanted.since
GROUP BY 1
"""  # noqa: S608 - made of the constant above
DOWN = f"""
SELECT coalesce(sum(extract(
    epoch FROM least(coalesce(outage.ended_at, %(now)s), %(now)s) - greatest(outage.began_at, wanted.since)
)), 0)
FROM {PAIRS} JOIN provisioning_outage AS outage ON outage.instance_id = wanted.instance_id
WHERE outage.began_at < %(now)s AND (outage.ended_at IS NULL OR outage.ended_at > wanted.since)
"""  # noqa: S608 - see above

Since = Iterable[tuple[str, datetime]]


def open_outages(instance_ids: Iterable[str]) -> dict[str, Outage]:
    """Whoever of these does not answer now, by id. One query."""
    found = Outage.objects.filter(instance_id__in=list(instance_ids), ended_at__isnull=True)
    return {outage.instance_id: outage for outage in found}


def probes_since(pairs: Since) -> dict[str, tuple[int, int]]:
    """How often each was looked at in the whole hours since its moment, and how often that failed. One query."""
    return {instance_id: (int(probes), int(failed)) for instance_id, probes, failed in _rows(PROBES, dict(pairs))}


def burn_since(pairs: Since) -> float:
    """The time for which these did not answer since their moments, over what settings.SLO allows in as much time.

    Each moment counts as an hour ago at least: a minute's budget would be gone with a single failed look. One query.
    """
    since = dict(pairs)
    now = clock.now()
    [[down_seconds]] = _rows(DOWN, since, now=now)
    allowed = (1 - settings.SLO) * sum(max((now - at).total_seconds(), SHORTEST_SECONDS) for at in since.values())
    return float(down_seconds) / allowed if allowed else 0.0


def _rows(statement: str, since: Mapping[str, datetime], **parameters: datetime) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(since), "since": list(since.values()), **parameters})
        return list(cursor.fetchall())
