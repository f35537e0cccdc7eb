"""What customers do at Stripe, by its own SDK, and the events that it tells of it."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.clients.stripe import client
from billing.models import Account, Price
from portal.core.models import Organization
from tests.stack.devcloud import RunningDevcloud
from tests.waiting import eventually

SECRET = "whsec_of_these_tests"
BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Shop:
    """Stripe as our customers meet it."""

    def __init__(self, devcloud: RunningDevcloud) -> None:
        self.devcloud = devcloud
        self.api: Any = client().v1

    def account(self, organization: Organization, card: str = "pm_card_visa") -> Account:
        """The organization is a customer with this card, on a clock of its own that stands at BEGIN."""
        clock = self.api.test_helpers.test_clocks.create({"frozen_time": int(BEGIN.timestamp())})
        customer = self.api.customers.create({"name": organization.name, "test_clock": clock.id})
        account = Account.objects.create(organization=organization, stripe_id=customer.id)
        self.pay_with(account, card)
        return account

    def pay_with(self, account: Account, card: str) -> None:
        """The card is the customer's default from here on."""
        method = self.api.payment_methods.attach(card, {"customer": account.stripe_id})
        default = {"default_payment_method": method.id}
        self.api.customers.update(account.stripe_id, {"invoice_settings": default})

    def subscribe(self, account: Account, wanted: Mapping[str, int], instance: str = "", **params: Any) -> Any:
        """A subscription to so many of each of our prices, by lookup key."""
        prices = dict(Price.objects.filter(pk__in=wanted).values_list("pk", "stripe_id"))
        items = [{"price": prices[key], "quantity": quantity} for key, quantity in wanted.items()]
        metadata = {"instance": instance} if instance else {}
        return self.api.subscriptions.create(
            {"customer": account.stripe_id, "items": items, "metadata": metadata, **params}
        )

    def later(self, account: Account, **time: float) -> None:
        """The customer's clock goes on by that much."""
        clock = self.api.customers.retrieve(account.stripe_id).test_clock
        now = self.api.test_helpers.test_clocks.retrieve(clock).frozen_time
        to = now + int(timedelta(**time).total_seconds())
        self.api.test_helpers.test_clocks.advance(clock, {"frozen_time": to})
        eventually(lambda: self.api.test_helpers.test_clocks.retrieve(clock).status == "ready")

    def events(self, account: Account, kinds: Iterable[str]) -> list[dict[str, Any]]:
        """What Stripe has told of the customer so far, the oldest first."""
        told = [json.loads(str(event)) for event in self.api.events.list({"limit": 100}).auto_paging_iter()]
        mine = [event for event in told[::-1] if _customer(event["data"]["object"]) == account.stripe_id]
        return [event for event in mine if event["type"] in set(kinds)]


def signed(event: Mapping[str, Any] | bytes, secret: str = SECRET, age: float = 0) -> tuple[bytes, str]:
    """The payload and the header, as Stripe sends them."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    at = int(time.time() - age)
    mac = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return payload, f"t={at},v1={mac}"


def event(kind: str = "invoice.paid", customer: str = "cus_1", key: str = "evt_1") -> dict[str, Any]:
    """A small event about something of the customer's."""
    return {"id": key, "type": kind, "created": 1_795_000_000, "data": {"object": {"customer": customer}}}


def _customer(thing: Mapping[str, Any]) -> str:
    return str((thing["id"] if thing.get("object") == "customer" else thing.get("customer")) or "")
