"""Once a day all that Stripe has is held against what we know: an event may be lost, or never have been made.

Whatever differs is told, and its customer's facts are fetched anew: they are never mended here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from billing.clients.stripe import HEARD, customer_of, listed
from billing.models import Account, Reversal, StripeEvent, Subscription
from billing.services.facts import accounts_ask, as_subscription
from portal.core import clock

SINCE: Final = timedelta(hours=26)  # a day, and what a day's run may be late
DISPUTED: Final = timedelta(days=120)  # a dispute takes some three months
COMPARED: Final = ("status", "collection", "currency", "interval", "period_ends_at", "cancel_at", "ended_at")


@dataclass(frozen=True)
class Difference:
    """`customer` is whose facts are to be fetched anew."""

    customer: str
    sentence: str


def accounts_reconcile() -> tuple[list[str], list[str]]:
    """What has been found missing, extra or different, and what no customer of ours has to do with, as sentences.

    Reads all subscriptions, the events of a day and the disputes of some months. Raises Away, StripeRefused.
    """
    ours = dict(Account.objects.values_list("stripe_id", "organization__name"))
    found = [*_subscriptions(), *_events(), *_disputes()]
    accounts_ask(Account.objects.filter(stripe_id__in={difference.customer for difference in found}))
    known = [f"{ours[each.customer]}: {each.sentence}" for each in found if each.customer in ours]
    return known, [f"{each.customer}: {each.sentence}" for each in found if each.customer not in ours]


def _subscriptions() -> Iterator[Difference]:
    known = {row.pk: row for row in Subscription.objects.select_related("account")}
    for theirs in listed("subscriptions", status="all"):
        row = known.pop(theirs["id"], None)
        if row is None:
            yield Difference(theirs["customer"], f"the subscription {theirs['id']} was missing here.")
        elif differing := _differing(row, theirs):
            yield Difference(theirs["customer"], f"the subscription {row.pk} differed: {differing}.")
    for row in known.values():
        yield Difference(row.account.stripe_id, f"the subscription {row.pk} is not at Stripe.")


def _differing(row: Subscription, theirs: Mapping[str, Any]) -> str:
    """Which fields, and how; facts that are due are known to be old."""
    fields = as_subscription(theirs)
    pairs = [(name, getattr(row, name), fields[name]) for name in COMPARED]
    return ", ".join(f"{name} is {there} and was {here}" for name, here, there in pairs if here != there)


def _disputes() -> Iterator[Difference]:
    """Disputes of the newest that are open and not known so: what Stripe tells of them names no customer."""
    known = dict(Reversal.objects.exclude(dispute="").values_list("stripe_id", "dispute"))
    since = int((clock.now() - DISPUTED).timestamp())
    for dispute in listed("disputes", expand=["data.charge"], created={"gte": since}):
        charge = dispute["charge"]
        if known.get(charge["id"]) != dispute["status"]:
            yield Difference(customer_of(charge), f"the charge {charge['id']} is disputed: {dispute['status']}.")


def _events() -> Iterator[Difference]:
    """Events of the day that have not come; those of nobody's customer do not matter."""
    since = int((clock.now() - SINCE).timestamp())
    told = {event["id"]: event for event in listed("events", created={"gte": since})}
    come = set(StripeEvent.objects.filter(pk__in=told).values_list("pk", flat=True))
    for key in told.keys() - come:
        customer = customer_of(told[key]["data"]["object"])
        if customer and told[key]["type"] in HEARD:
            yield Difference(customer, f"the event {key} ({told[key]['type']}) has not come.")
