"""Stripe's events are taken in: verified, kept once, and answered. What they are about is fetched anew by a worker."""

from datetime import UTC, datetime
from typing import Final

from django.db import connection

from billing.clients.stripe import customer_of, verified
from billing.services.facts import FETCH
from portal.core import clock
from provisioning.services.sending import send

# One statement, and so one commit, for each event: it is kept, and its customer's facts are due. Another with the same
# id changes nothing.
TAKE: Final = """
WITH new AS (
    INSERT INTO billing_stripeevent (id, kind, customer, happened_at, received_at)
    VALUES (%(id)s, %(kind)s, %(customer)s, %(happened_at)s, %(now)s)
    ON CONFLICT DO NOTHING RETURNING customer
), due AS (
    UPDATE billing_account AS account SET asked_at = %(now)s, due_at = least(account.due_at, %(now)s)
    FROM new WHERE account.stripe_id = new.customer RETURNING account.stripe_id
)
SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM due)
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
    with connection.cursor() as cursor:
        cursor.execute(TAKE, row)
        new, due = cursor.fetchone()
    if due:
        send(FETCH)
    return bool(new)
