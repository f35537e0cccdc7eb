"""Every order, every duplicate and every loss of a flow's events ends in the same state: exhaustively.

What a flow does at Stripe is done once; then its events are given to us as Stripe has told them. What we keep of events
is which have come, and whether their customer's facts are due. Taking one is tried from every such state that eight
events can leave behind, and ends in the state that the set of them alone decides: so no order, and nothing that comes
twice, can make a difference. From any of them on, the facts are fetched and come out the same. Of all events of a flow
each is lost once and doubled once, forwards and backwards; the facts are fetched after every event, or at the end only.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from billing.clients.stripe import HEARD
from billing.models import Account, Invoice, StripeEvent, Subscription, SubscriptionItem
from billing.services.events import event_take
from billing.services.facts import accounts_go_on
from portal.core import clock
from tests.billing.shop import Shop, signed

pytestmark = pytest.mark.django_db
SEATS = {"team-month-usd-1": 25}
MOST = 8  # of one flow in every order: of more there are too many sets
Event = dict[str, Any]


def subscribes(shop: Shop, account: Account) -> None:
    shop.subscribe(account, SEATS)


def takes_more_seats(shop: Shop, account: Account) -> None:
    made = shop.subscribe(account, SEATS)
    item = made.to_dict()["items"]["data"][0]["id"]
    shop.api.subscriptions.update(
        made.id, {"items": [{"id": item, "quantity": 40}], "proration_behavior": "always_invoice"}
    )


def fails_to_pay(shop: Shop, account: Account) -> None:
    shop.subscribe(account, SEATS)
    shop.pay_with(account, "pm_card_chargeCustomerFail")
    shop.later(account, days=31)


def pays_late(shop: Shop, account: Account) -> None:
    fails_to_pay(shop, account)
    shop.pay_with(account, "pm_card_visa")
    shop.api.invoices.pay(shop.api.invoices.list({"customer": account.stripe_id, "status": "open"}).data[0].id)


def cancels(shop: Shop, account: Account) -> None:
    made = shop.subscribe(account, SEATS)
    shop.api.subscriptions.update(made.id, {"cancel_at_period_end": True})
    shop.later(account, days=31)


def ways(events: list[Event]) -> Iterator[list[Event]]:
    """All but one of them, and all with one of them twice; as told, and the other way round."""
    for told in (events, events[::-1]):
        for place in range(len(told)):
            yield told[:place] + told[place + 1 :]
            yield [*told, told[place]]


def known() -> Any:
    """All that we know of customers, but when we came to know it."""
    tables = (Subscription, SubscriptionItem, Invoice)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def nothing_is_known() -> None:
    for table in (SubscriptionItem, Invoice, Subscription, StripeEvent):
        table.objects.all().delete()
    Account.objects.update(due_at=None)


@pytest.fixture(params=[subscribes, takes_more_seats, fails_to_pay, pays_late, cancels])
def told(request, shop, account) -> list[Event]:
    """All that Stripe tells of a flow, in its order."""
    request.param(shop, account)
    found: list[Event] = shop.events(account, HEARD)
    assert len(found) > 1
    return found


def test_whatever_is_lost_or_comes_twice_a_flow_ends_in_the_same_state(told):
    wanted = ends_in(told)
    assert wanted["Subscription"]
    for number, way in enumerate(ways(told)):
        assert ends_in(way, after_each=number % 2 == 0) == wanted, [event["type"] for event in way]


def test_in_whatever_order_events_come_it_is_the_same(told, account):
    """By induction: from every set of them, each of them leads to the one set that has it, too, and to facts that are
    due, unless it had come before.
    """
    wanted, last = ends_in(told), told[-MOST:]
    letters = {event["id"]: signed(event) for event in last}
    for come in (frozenset(some) for count in range(len(last) + 1) for some in itertools.combinations(letters, count)):
        for is_due in (False, True):
            for key, (payload, signature) in letters.items():
                with left_behind(last, come, is_due=is_due):
                    event_take(payload=payload, signature=signature)
                    assert kept() == (come | {key}, is_due or key not in come)
    for event in last:
        assert ends_in([event]) == wanted


@contextmanager
def left_behind(events: Sequence[Event], come: frozenset[str], *, is_due: bool) -> Iterator[None]:
    """Just these have come; afterwards it is as it was."""
    now, mark = clock.now(), transaction.savepoint()
    rows = [event for event in events if event["id"] in come]
    StripeEvent.objects.all().delete()
    StripeEvent.objects.bulk_create(StripeEvent(id=row["id"], kind=row["type"], happened_at=now) for row in rows)
    Account.objects.update(due_at=now if is_due else None)
    yield
    transaction.savepoint_rollback(mark)


def kept() -> tuple[frozenset[str], bool]:
    """Which events have come, and whether the facts are due."""
    return frozenset(StripeEvent.objects.values_list("pk", flat=True)), Account.objects.get().due_at is not None


def ends_in(way: Sequence[Event], *, after_each: bool = False) -> Any:
    """What we know once these have come in this order, after we knew nothing."""
    nothing_is_known()
    for event in way:
        payload, signature = signed(event)
        event_take(payload=payload, signature=signature)
        if after_each:
            accounts_go_on()
    accounts_go_on()
    return known()
