"""Stripe's events are taken in: verified, kept once, and answered. What they are about is fetched anew by a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import connection, transaction

from billing.clients.stripe import Away, charge_of, customer_of, customer_of_charge, verified
from billing.models import Account, StripeEvent
from billing.services.facts import FETCH, MOST_AT_ONCE, accounts_ask
from portal.core import clock
from portal.core.errors import Forbidden, ServiceError
from provisioning.services.sending import send

# One statement, and so one commit: the events are kept, and their customers' facts are due. One with a known id changes
# nothing. A worker has been called already for facts that were due before. Rows are locked in an order of their own, so
# that two who write at the same time do not wait for each other.
TAKE: Final = """
WITH new AS (
    INSERT INTO billing_stripeevent (id, kind, customer, charge, happened_at, received_at)
    SELECT id, kind, customer, charge, happened_at, %(now)s
    FROM unnest(
        %(ids)s::text[], %(kinds)s::text[], %(customers)s::text[], %(charges)s::text[], %(moments)s::timestamptz[])
        AS told (id, kind, customer, charge, happened_at)
    ORDER BY id
    ON CONFLICT DO NOTHING RETURNING customer, charge
), before AS (
    SELECT organization_id, due_at FROM billing_account
    WHERE stripe_id IN (SELECT customer FROM new)
    ORDER BY organization_id FOR UPDATE
), due AS (
    UPDATE billing_account AS account SET asked_at = %(now)s, due_at = least(account.due_at, %(now)s)
    FROM before WHERE account.organization_id = before.organization_id
    RETURNING before.due_at IS NULL OR before.due_at > %(now)s AS is_newly_due
)
SELECT coalesce(bool_or(is_newly_due), false) OR EXISTS (SELECT FROM new WHERE charge <> '') FROM due
"""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Told:
    """What is kept of an event: its customer or else, of a dispute, the charge."""

    id: str
    kind: str
    customer: str
    happened_at: datetime
    charge: str = ""


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
    about = event["data"]["object"]
    return Told(event["id"], event["type"], customer_of(about), happened_at, charge_of(about))


def events_take(events: Sequence[Told]) -> None:
    """All of them are kept, or none; their customers' facts are due, and a worker is called if some were not before."""
    if keep(events):
        send(FETCH)


def keep(events: Sequence[Told]) -> bool:
    """The events' rows stand; answers whether a worker has to be called.

    That is so where the facts of one of their customers are due only now, or where one is about a charge of somebody's.
    """
    rows: dict[str, Any] = {
        "ids": [event.id for event in events],
        "kinds": [event.kind for event in events],
        "customers": [event.customer for event in events],
        "charges": [event.charge for event in events],
        "moments": [event.happened_at for event in events],
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, rows)
        return bool(cursor.fetchone()[0])


def charges_go_on() -> int:
    """Of events that tell of a charge, the customers are known, and their facts are due; answers of how many.

    Where Stripe is away they stay, and the next beat tries again. What it does not know is nobody's.
    """
    done = 0
    for event in StripeEvent.objects.exclude(charge="").order_by("received_at")[:MOST_AT_ONCE]:
        try:
            customer = customer_of_charge(event.charge)
        except Away as error:
            log.warning("charge.waits", charge=event.charge, error=str(error))
            break
        except ServiceError as error:
            log.warning("charge.refused", charge=event.charge, error=str(error))
            customer = ""
        _belongs(event, customer)
        done += 1
    return done


@transaction.atomic
def _belongs(event: StripeEvent, customer: str) -> None:
    accounts_ask(Account.objects.filter(stripe_id=customer))
    StripeEvent.objects.filter(pk=event.pk).update(customer=customer, charge="")
