"""How instances are at this moment: what is known of them put together, for one, for many, and as a filter."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery

from portal.core import clock
from provisioning.health.inside.findings import Finding
from provisioning.health.states import (
    MINUTE,
    Known,
    Seen,
    State,
    inside_patience,
    outside_patience,
    state_of,
)
from provisioning.models import BUILT, Health, Instance, InstanceStatus, Outage, ProbeMinute


def with_health(rows: QuerySet[Instance]) -> QuerySet[Instance]:
    """Each carries what `health_seen` needs. No query more."""
    newest = Outage.objects.filter(instance=OuterRef("pk")).order_by("-began_at")
    minutes = ProbeMinute.objects.filter(instance=OuterRef("pk")).order_by("-minute")
    return rows.select_related("health").annotate(
        outage_began_at=Subquery(newest.values("began_at")[:1]),
        outage_ended_at=Subquery(newest.values("ended_at")[:1]),
        outage_what=Subquery(newest.values("what")[:1]),
        probed_at=Subquery(minutes.values("minute")[:1], output_field=DateTimeField()),
    )


def health_seen(instance: Instance, now: datetime | None = None) -> Seen:
    """How an instance of `with_health` is."""
    return state_of(_known(instance), now or clock.now())


def health_of(instance_ids: Iterable[str]) -> Mapping[str, Seen]:
    """How each of these is, by id. One query."""
    now = clock.now()
    return {one.pk: health_seen(one, now) for one in with_health(Instance.objects.filter(pk__in=list(instance_ids)))}


def inside_findings_of(instance: Instance) -> list[Finding]:
    """What the last look inside found, whole or not; nothing before the first one. `health` is loaded."""
    row = _row(instance)
    return [Finding.from_json(document) for document in row.findings] if row else []


def in_state(rows: QuerySet[Instance], state: str) -> QuerySet[Instance]:
    """Those of `rows` that are so now: what `state_of` says, for the database (a test holds them together)."""
    now = clock.now()
    known = with_health(rows)
    runs = Q(status=InstanceStatus.RUNNING)
    down = Q(outage_began_at__isnull=False, outage_ended_at__isnull=True)
    seen = (
        Q(probed_at__gte=now - outside_patience() - MINUTE, health__checked_at__gte=now - inside_patience())
        & ~Q(health__state=State.UNKNOWN)
    )  # fmt: skip
    conditions = {
        State.SUSPENDED: Q(status=InstanceStatus.SUSPENDED),
        State.DOWN: runs & down,
        State.DEGRADED: runs & ~down & seen & Q(health__state=State.DEGRADED),
        State.HEALTHY: runs & ~down & seen & Q(health__state=State.HEALTHY),
    }
    if state in conditions:
        return known.filter(conditions[State(state)])
    others = [in_state(rows, each).values("pk") for each in conditions]
    for other in others:
        rows = rows.exclude(pk__in=other)
    return rows


def state_counts() -> dict[str, int]:
    """How many instances that stand are in each state now. One query."""
    now = clock.now()
    standing = with_health(Instance.objects.filter(status__in=BUILT).order_by().defer("features"))
    counts = Counter(health_seen(instance, now).state.value for instance in standing.iterator(chunk_size=500))
    return {state.value: counts[state.value] for state in State}


def degraded_count() -> int:
    """How many instances are degraded now. One query."""
    return in_state(Instance.objects.order_by(), State.DEGRADED).count()


def _known(instance: Any) -> Known:
    row = _row(instance)
    return Known(
        status=instance.status,
        begun_at=instance.ready_at or instance.created_at,
        suspended_at=instance.suspended_at,
        suspended_because=instance.get_suspended_because_display() if instance.suspended_because else "",
        outage_began_at=instance.outage_began_at,
        outage_ended_at=instance.outage_ended_at,
        outage=instance.outage_what or "",
        probed_at=instance.probed_at,
        **_inside(row),
    )


def _inside(row: Health | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {
        "inside": row.state,
        "inside_since": row.since,
        "inside_reason": row.reason,
        "checked_at": row.checked_at,
        "error": row.error,
    }


def _row(instance: Instance) -> Health | None:
    found: Health | None = getattr(instance, "health", None)
    return found
