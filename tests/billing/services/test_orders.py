"""Every order, every duplicate and every single loss of a flow's last events ends in the same state: exhaustively.

What a flow does at Stripe is done once; then its events, as Stripe has told them, are given to us in each of those
ways, with the facts fetched after every one of them, and at the end only.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from billing.clients.stripe import HEARD
from billing.models import Account, Invoice, StripeEvent, Subscription, SubscriptionItem
from billing.services.events import event_take
from billing.services.facts import accounts_go_on
from tests.billing.shop import Shop, signed

pytestmark = pytest.mark.django_db
SEATS = {"team-month-usd-1": 25}
MOST = 4  # of one flow: of these there are 288 ways; of all that a flow has, too many
Event = dict[str, Any]
Flow = Callable[[Shop, Account], None]


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


def ways(events: list[Event]) -> Iterator[tuple[Event, ...]]:
    """Each order of all but one of them, of all, and of all with one of them twice, wherever."""
    yield from itertools.permutations(events, len(events) - 1)
    for order in itertools.permutations(events):
        yield order
        for twice in range(len(order)):
            for place in range(twice + 1, len(order) + 1):
                yield (*order[:place], order[twice], *order[place:])


def known() -> Any:
    """All that we know of customers, but when we came to know it."""
    tables = (Subscription, SubscriptionItem, Invoice)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def nothing_is_known() -> None:
    for table in (SubscriptionItem, Invoice, Subscription, StripeEvent):
        table.objects.all().delete()
    Account.objects.update(due_at=None)


@pytest.mark.parametrize("flow", [subscribes, takes_more_seats, fails_to_pay, pays_late, cancels])
def test_a_flow_ends_in_the_same_state_however_its_events_come(shop, account, flow: Flow):
    flow(shop, account)
    told = shop.events(account, HEARD)[-MOST:]
    assert len(told) > 1
    wanted = ends_in(told)
    assert wanted["Subscription"]
    for way in ways(told):
        assert ends_in(way) == wanted, [event["type"] for event in way]
        if len(way) == len(told):
            assert ends_in(way, after_each=True) == wanted, [event["type"] for event in way]


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
