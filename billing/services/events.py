"""Stripe's events are taken in: verified, kept once, and answered. What they are about is fetched anew by a worker."""

from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from billing.clients.stripe import customer_of, verified
from billing.services.facts import FETCH
from portal.core import clock
from provisioning.services.sending import send

# One statement, and so one commit, for each event: it is kept, and its customer's facts are due. Another with the same
# id changes nothing. A worker has been called already where they were due before.
TAKE: Final = """
WITH new AS (
    INSERT INTO billing_stripeevent (id, kind, customer, happened_at, received_at)
    VALUES (%(id)s, %(kind)s, %(customer)s, %(happened_at)s, %(now)s)
    ON CONFLICT DO NOTHING RETURNING customer
), before AS (
    SELECT account.organization_id, account.due_at FROM billing_account AS account, new
    WHERE account.stripe_id = new.customer
), due AS (
    UPDATE billing_account AS account SET asked_at = %(now)s, due_at = least(account.due_at, %(now)s)
    FROM before WHERE account.organization_id = before.organization_id
    RETURNING before.due_at IS NULL OR before.due_at > %(now)s AS is_newly_due
)
SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM due WHERE is_newly_due)
"""


def event_take(*, payload: bytes, signature: str) -> bool:
    """The event is kept, and what it is about is due; answers whether it is new.

    Raises Forbidden for a wrong signature.
    """
    event = verified(payload, signature)
    row = {
        "id": event["id"],
        "kind": event["type"],
        "customer": customer_of(event["data"]["object"]),
        "happened_at": datetime.fromtimestamp(event["created"], UTC),
        "now": clock.now(),
    }
    is_new, is_newly_due = keep(row)
    if is_newly_due:
        send(FETCH)
    return is_new


def keep(row: dict[str, Any]) -> tuple[bool, bool]:
    """The event's row stands; answers whether it is new, and whether its customer's facts are due only now."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, row)
        new, newly_due = cursor.fetchone()
    return bool(new), bool(newly_due)
