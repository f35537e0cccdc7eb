"""A subscription is changed by whoever has it: more seats at once, fewer at renewal, an end at the period's end.

Stripe is told, and what has come of it is learned from Stripe, as everything else (decision 13).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.clients.stripe import asking, preview
from billing.models import Account, Charge, Collection, Plan, Subscription, SubscriptionItem
from billing.services.ahead import end_with_period, ended_ahead, forget_ahead, go_on_after_period, plan_ahead
from billing.services.buying import MOST_SEATS
from billing.services.facts import accounts_ask
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid


@dataclass(frozen=True)
class SeatChange:
    """What another number of seats means. `due_now` is in minor units, 0 where nothing is charged before `at`.

    `reckoned_at`, in UNIX time, is the second as of which it has to be made for that sum; None where nothing is due.
    """

    now: int
    wanted: int
    due_now: int
    currency: str
    at: datetime | None
    reckoned_at: int | None = None

    @property
    def is_more(self) -> bool:
        return self.wanted > self.now


def seats_of(subscription: Subscription) -> int:
    """How many seats are paid for."""
    return next((item.quantity for item in _seat_items(subscription)), 0)


def seats_preview(subscription: Subscription, seats: int) -> SeatChange:
    """What that many seats would mean, as Stripe reckons it. Raises Invalid, Away or StripeRefused."""
    now = _check(subscription, seats)
    if seats < now:
        return SeatChange(now, seats, 0, subscription.currency, subscription.period_ends_at)
    found = preview(subscription.pk, _items(subscription, seats))
    return SeatChange(now, seats, found.due_now, subscription.currency, None, found.reckoned_at)


def seats_set(
    *, subscription: Subscription, seats: int, key: str, actor: Actor, reckoned_at: int | None = None
) -> SeatChange:
    """More seats are there once they are paid for, fewer from the next period on. `key` is the same for a second try;
    `reckoned_at` is that of the preview.

    Raises Invalid for a number that cannot be, Conflict while it cannot be changed, Away or StripeRefused.
    """
    now = _check(subscription, seats)
    ended = ended_ahead(subscription)
    if seats > now:
        forget_ahead(subscription)
        _more(subscription, seats, key, reckoned_at)
        if ended or subscription.next_plan:
            plan_ahead(subscription, {**{item.pk: None for item in _seat_items(subscription)}, **ended})
    else:
        plan_ahead(subscription, {item.pk: seats for item in _seat_items(subscription)} | ended)
    note_change("subscription.seats", subscription, actor, {"from": now, "to": seats})
    return SeatChange(now, seats, 0, subscription.currency, subscription.period_ends_at if seats < now else None)


def subscription_end(*, subscription: Subscription, actor: Actor, reason: str = "") -> None:
    """It ends with the period that is paid for; until then all goes on. Raises Conflict when that is so already."""
    if subscription.cancel_at:
        raise Conflict("This subscription ends already.")
    check_changeable(subscription)
    end_with_period(subscription)
    note_change("subscription.end", subscription, actor, {"at": subscription.period_ends_at.isoformat()}, reason)


def subscription_go_on(*, subscription: Subscription, actor: Actor) -> None:
    """It does not end after all, and what was planned before is planned again.

    Raises Conflict where no end was asked for, or where the plan that it was to go on as is not sold any more.
    """
    if not subscription.cancel_at:
        raise Conflict("This subscription does not end.")
    go_on_after_period(subscription)
    note_change("subscription.go-on", subscription, actor, {})


def _check(subscription: Subscription, seats: int) -> int:
    """How many seats there are now."""
    check_changeable(subscription)
    now, least = seats_of(subscription), plan_of(subscription).minimum_seats
    if not least <= seats <= MOST_SEATS:
        raise Invalid(f"From {least:,} to {MOST_SEATS:,} seats.", field="seats")
    if seats == now and not any(item.next_quantity for item in _seat_items(subscription)):
        raise Invalid(f"There are {now:,} seats already.", field="seats")
    return now


def check_changeable(subscription: Subscription) -> None:
    """Raises Conflict while a payment is missing."""
    if subscription.status not in {"active", "trialing"}:
        raise Conflict("A payment is missing. Settle that first, then change the subscription.")


def plan_of(subscription: Subscription) -> Plan:
    """What it is for. Raises Conflict for one that somebody has made by hand at Stripe."""
    for item in subscription.items.all():
        if item.price and item.price.plan:
            return item.price.plan
    raise Conflict("This subscription is for no plan of ours. Talk to us.")


def charged_now(subscription: Subscription, reckoned_at: int | None = None) -> dict[str, Any]:
    """What is added is charged at once, as it was reckoned: a card pays before it is there, an invoice in its time.

    Source: docs.stripe.com/billing/subscriptions/pending-updates, of subscriptions that are charged automatically only.
    """
    paid_first = {"payment_behavior": "pending_if_incomplete"} if subscription.collection == Collection.CARD else {}
    as_told = {"proration_date": reckoned_at} if reckoned_at else {}
    return {"proration_behavior": "always_invoice", **paid_first, **as_told}


def _seat_items(subscription: Subscription) -> list[SubscriptionItem]:
    """The plan, and the features that are paid for by the seat."""
    return [item for item in subscription.items.all() if _is_by_seat(item)]


def _is_by_seat(item: SubscriptionItem) -> bool:
    if item.price is None:
        return False
    return item.price.feature is None or item.price.feature.charge == Charge.SEAT


def _items(subscription: Subscription, seats: int) -> list[Mapping[str, Any]]:
    return [{"id": item.pk, "quantity": seats} for item in _seat_items(subscription)]


def _more(subscription: Subscription, seats: int, key: str, reckoned_at: int | None) -> None:
    wanted: Any = {"items": _items(subscription, seats), **charged_now(subscription, reckoned_at)}
    with asking() as api:
        api.subscriptions.update(subscription.pk, wanted, {"idempotency_key": f"seats-{key}"})


def note_change(
    action: str, subscription: Subscription, actor: Actor, details: Mapping[str, Any], reason: str = ""
) -> None:
    """In the audit; and Stripe is asked what it has made of it."""
    organization = subscription.account_id
    record(action, subscription, organization_id=organization, actor=actor, reason=reason, details=dict(details))
    accounts_ask(Account.objects.filter(pk=organization))
