"""Audit events are chained by a hash, and the chain can be checked (decision 19).

Whoever writes an event waits for nobody: a task seals what has been written, some seconds later, one event after the
other. A digest covers all of the event and the digest before, so that nothing can be changed, left out, put in or put
in another order without all later digests becoming others; and the newest of them is known outside the database.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import islice
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet

from portal.core import clock
from portal.core.models import AuditEvent, AuditSeal

BEGIN: Final = "0" * 64  # what the first digest is chained to
MOST_AT_ONCE: Final = 2_000
USUALLY_WITHIN: Final = timedelta(days=1)  # what was written before that is looked for once a night
SEALED_WITHIN: Final = timedelta(hours=1)  # an event that is older and has no seal is found
LOCK: Final = 0x5EA1  # an advisory lock: one at a time seals
MOST_FAULTS: Final = 20


@dataclass(frozen=True)
class Verdict:
    """What came of a check: how many seals, the newest as "number:digest", and what is wrong, as sentences."""

    seals: int
    head: str
    faults: tuple[str, ...]


def digest_of(event: AuditEvent, previous: str) -> str:
    """The digest of an event that follows the one with that digest."""
    content = json.dumps(
        {"previous": previous, **content_of(event)}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(content.encode()).hexdigest()


def content_of(event: AuditEvent) -> dict[str, Any]:
    """All of an event, as JSON has it."""
    return {
        "id": event.pk,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor_id,
        "actor_label": event.actor_label,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "organization": event.organization_id,
        "source_address": event.source_address,
        "reason": event.reason,
        "details": event.details,
    }


@transaction.atomic
def events_seal(*, all_of_them: bool = False) -> int:
    """Events without a seal have one, in the order of their ids; answers how many, MOST_AT_ONCE at most.

    Nothing while somebody else seals. What is older than a day is looked for only with `all_of_them`.
    """
    if not _is_mine():
        return 0
    head = AuditSeal.objects.last()
    number, digest = (head.number, head.digest) if head else (0, BEGIN)
    seals = []
    for event in _unsealed(all_of_them=all_of_them)[:MOST_AT_ONCE]:
        number, digest = number + 1, digest_of(event, digest)
        seals.append(AuditSeal(number=number, event=event, digest=digest))
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def chain_verify(*, head: str = "") -> Verdict:
    """The whole chain is computed anew and compared. `head` is one that was kept elsewhere: it has to be in the chain.

    Reads all events, some tens of thousands a second.
    """
    newest, digest, is_known = 0, BEGIN, not head
    faults = list[str]()
    for seal, event in _chain():
        if seal.number != newest + 1:
            faults.append(f"There is no seal from {newest + 1} to {seal.number - 1}.")
        elif event is None:
            faults.append(f"The event {seal.event_id} of seal {seal.number} is gone.")
        elif digest_of(event, digest) != seal.digest:
            faults.append(f"The event {event.pk} of seal {seal.number}, {event.action}, is not as it was sealed.")
        newest, digest = seal.number, seal.digest
        is_known = is_known or str(seal) == head
        if len(faults) >= MOST_FAULTS:
            break
    else:
        faults += _not_sealed() + ([] if is_known else [f"The seal {head} is not in the chain: its end was cut off."])
    return Verdict(newest, f"{newest}:{digest}", tuple(faults))


def _chain() -> Iterator[tuple[AuditSeal, AuditEvent | None]]:
    """Each seal with its event, if that is there. Two queries for each MOST_AT_ONCE."""
    seals = AuditSeal.objects.order_by("number").iterator(MOST_AT_ONCE)
    while part := list(islice(seals, MOST_AT_ONCE)):
        events = AuditEvent.objects.in_bulk([seal.event_id for seal in part])
        for seal in part:
            yield seal, events.get(seal.event_id)


def _unsealed(*, all_of_them: bool) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.filter(seal=None).order_by("id")
    return events if all_of_them else events.filter(at__gt=clock.now() - USUALLY_WITHIN)


def _not_sealed() -> list[str]:
    late = _unsealed(all_of_them=True).filter(at__lt=clock.now() - SEALED_WITHIN).count()
    return [f"{late} events are older than an hour and have no seal."] if late else []


def _is_mine() -> bool:
    """The right to seal, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])
