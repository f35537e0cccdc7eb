"""The audit is read: searched, and exported for a period, each event with its place in the chain."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import Q, QuerySet

from portal.core.models import AuditEvent, Organization
from portal.core.sealing import content_of
from portal.core.tables import csv_lines, json_lines

COLUMNS: Final = (
    "number", "digest", "id", "at", "actor_label", "source_address", "action", "object_type", "object_id",
    "organization", "reason", "details",
)  # fmt: skip
AT_A_TIME: Final = 2_000
# What is about how we sell and what things cost us; customers are told of what comes of it.
OUR_OWN: Final = ("sale.propose", "sale.withdraw", "cost.settle", "trial.refuse")
# What customers are told of as it is, with which of our people it was and why: that somebody looks into what is theirs
# (decision 21). By the beginning of the action.
TOLD_IN_FULL: Final = ("access.",)


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both included, in UTC. None is open."""

    first: date | None = None
    last: date | None = None

    def within(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        if self.first:
            events = events.filter(at__gte=_midnight(self.first))
        return events.filter(at__lt=_midnight(self.last + timedelta(days=1))) if self.last else events


EVER: Final = Period()


def events_for(organization: Organization, *, text: str = "", period: Period = EVER) -> QuerySet[AuditEvent]:
    """What its people may see of the audit, the newest first: all that is theirs but what is about selling to them."""
    events = AuditEvent.objects.filter(organization=organization).exclude(action__in=OUR_OWN)
    if text:
        # Nobody finds by searching what they are not shown.
        theirs = Q(actor__is_staff=False, actor__is_sales=False, actor__is_superuser=False)
        for beginning in TOLD_IN_FULL:
            theirs |= Q(action__startswith=beginning)
        said = Q(actor_label__icontains=text) | Q(reason__icontains=text)
        events = events.filter(Q(action__icontains=text) | Q(object_id__icontains=text) | (theirs & said))
    return period.within(events).select_related("actor", "seal")


def is_by_us(event: AuditEvent) -> bool:
    """Whether a process of ours acted, or somebody who works here or did when they left."""
    who = event.actor
    return who is None or who.is_staff or who.is_sales or who.is_superuser


def as_told(event: AuditEvent) -> dict[str, Any]:
    """An event as its customer is told of it: which of our people it was, and what they wrote down, stays with us,
    but for what is told in full.
    """
    told = exported(event)
    if is_by_us(event) and not event.action.startswith(TOLD_IN_FULL):
        told |= {"actor_label": "Managed Sourcegraph", "source_address": None, "reason": ""}
    return told


def exported(event: AuditEvent) -> dict[str, Any]:
    """An event with its place in the chain: number and digest are None for the few seconds before it has one."""
    seal, content = getattr(event, "seal", None), content_of(event)
    known = {"number": seal.number if seal else None, "digest": seal.digest if seal else None, **content}
    return {name: known[name] for name in COLUMNS}


FORMATS: Final[Mapping[str, tuple[Callable[[Iterable[Mapping[str, Any]]], Iterator[str]], str]]] = {
    "csv": (partial(csv_lines, COLUMNS), "text/csv"),
    "jsonl": (json_lines, "application/jsonl"),
}


def in_parts(events: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """All of them, with their seals; read as they are needed."""
    return iter(events.select_related("actor", "seal").iterator(AT_A_TIME))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
