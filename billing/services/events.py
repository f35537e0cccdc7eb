"""Stripe's events are taken in: verified, kept once, and answered. What they are about is fetched anew by a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import connection

from billing.clients.stripe import customer_of, verified
from billing.services.facts import FETCH
from portal.core import clock
from portal.core.errors import Forbidden
from provisioning.services.sending import send

# One statement, and so one commit: the events are kept, and their customers' facts are due. One with a known id changes
# nothing. A worker has been called already for facts that were due before. Rows are locked in an order of their own, so
# that two who write at the same time do not wait for each other.
TAKE: Final = """
WITH new AS (
    INSERT INTO billing_stripeevent (id, kind, customer, happened_at, received_at)
    SELECT id, kind, customer, happened_at, %(now)s
    FROM unnest(%(ids)s::text[], %(kinds)s::text[], %(customers)s::text[], %(moments)s::timestamptz[])
        AS told (id, kind, customer, happened_at)
    ORDER BY id
    ON CONFLICT DO NOTHING RETURNING customer
), before AS (
    SELECT organization_id, due_at FROM billing_account
    WHERE stripe_id IN (SELECT customer FROM new)
    ORDER BY organization_id FOR UPDATE
), due AS (
    UPDATE billing_account AS account SET asked_at = %(now)s, due_at = least(account.due_at, %(now)s)
    FROM before WHERE account.organization_id = before.organization_id
    RETURNING before.due_at IS NULL OR before.due_at > %(now)s AS is_newly_due
)
SELECT coalesce(bool_or(is_newly_due), false) FROM due
"""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Told:
    """What is kept of an event."""

    id: str
    kind: str
    customer: str
    happened_at: datetime


def event_take(*, payload: bytes, signature: str) -> None:
    """The event is kept, and what it is about is due. Raises Forbidden for a wrong signature."""
    events_take([event_read(payload=payload, signature=signature)])


def event_read(*, payload: bytes, signature: str) -> Told:
    """What Stripe tells. Raises Forbidden for a wrong signature; that is in the log, too."""
    try:
        event = verified(payload, signature)
    except Forbidden as error:
        log.warning("event.refused", error=str(error), bytes=len(payload))
        raise
    happened_at = datetime.fromtimestamp(event["created"], UTC)
    return Told(event["id"], event["type"], customer_of(event["data"]["object"]), happened_at)


def events_take(events: Sequence[Told]) -> None:
    """All of them are kept, or none; their customers' facts are due, and a worker is called if some were not before."""
    if keep(events):
        send(FETCH)


def keep(events: Sequence[Told]) -> bool:
    """The events' rows stand; answers whether the facts of one of their customers are due only now."""
    rows: dict[str, Any] = {
        "ids": [event.id for event in events],
        "kinds": [event.kind for event in events],
        "customers": [event.customer for event in events],
        "moments": [event.happened_at for event in events],
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, rows)
        return bool(cursor.fetchone()[0])
