"""Who sells by a stand-in of Stripe in these tests: the real SDK, and a small server that takes the events."""

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
import stripe

from tests.stack.devcloud import RunningDevcloud
from tests.waiting import eventually

NEW_YEAR = int(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp())
DAY = 24 * 3600


def at(text: str) -> int:
    """The second since the epoch of a day, at noon as all clocks here begin."""
    return int(datetime.fromisoformat(f"{text}T12:00:00+00:00").timestamp())


class Shop:
    """One seller, by the SDK's own client."""

    def __init__(self, devcloud: RunningDevcloud, key: str = "sk_test_shop") -> None:
        self.devcloud = devcloud
        self._session = requests.Session()
        self._session.trust_env = False
        self.stripe = stripe.StripeClient(
            key,
            base_addresses={"api": f"{devcloud.http_url}/stripe"},
            http_client=stripe.RequestsClient(session=self._session),
            max_network_retries=2,
        )
        self.api: Any = self.stripe.v1  # tests also say what its types forbid

    def close(self) -> None:
        self._session.close()

    def price(self, amount: int = 1000, name: str = "Seats", interval: str = "month", currency: str = "usd") -> Any:
        product = self.api.products.create({"name": name})
        recurring: Any = {"interval": interval}
        return self.api.prices.create(
            {"product": product.id, "unit_amount": amount, "currency": currency, "recurring": recurring}
        )

    def clock(self, frozen_time: int = NEW_YEAR) -> Any:
        return self.api.test_helpers.test_clocks.create({"frozen_time": frozen_time})

    def customer(self, card: str | None = "pm_card_visa", clock: Any = None, **fields: Any) -> Any:
        """With the card as the default, and on the clock."""
        if clock is not None:
            fields["test_clock"] = clock.id
        customer = self.api.customers.create({"email": "ann@acme.example", **fields})
        if card:
            self.pay_with(customer, card)
        return customer

    def pay_with(self, customer: Any, card: str) -> Any:
        """The card is the customer's default from here on."""
        method = self.api.payment_methods.attach(card, {"customer": customer.id})
        self.api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        return method

    def subscribe(self, customer: Any, *prices: Any, **params: Any) -> Any:
        items = [price if isinstance(price, dict) else {"price": price.id} for price in prices]
        return self.api.subscriptions.create({"customer": customer.id, "items": items, **params})

    def subscription(self, subscription: Any, *expand: str) -> Any:
        """As it is now."""
        return self.api.subscriptions.retrieve(subscription.id, {"expand": list(expand)})

    def invoices(self, subscription: Any) -> list[Any]:
        """Oldest first."""
        found = self.api.invoices.list({"subscription": subscription.id, "limit": 100})
        return list(found.data)[::-1]

    def advance(self, clock: Any, to: int) -> None:
        """The clock is ready, and it is that time there."""
        self.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": to})
        eventually(lambda: self.api.test_helpers.test_clocks.retrieve(clock.id).status == "ready")

    def events(self, kind: str, about: Any) -> list[Any]:
        """The events of a type about an object, oldest first."""
        found = self.api.events.list({"type": kind, "limit": 100}).auto_paging_iter()
        return [event for event in found if event.data.object["id"] == about.id][::-1]

    def control(self, verb: str, path: str, form: Any = None) -> Any:
        return self.devcloud.control(verb, f"stripe/{path}", form)


class Receiver:
    """Takes events on loopback. `answers` are the statuses of the next ones; after those it answers 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[bytes, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/stripe"
        self.secret = ""
        self.endpoint = ""

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def events(self, kind: str = "") -> list[Any]:
        """Those that came and bear our secret's signature, in the order in which they came."""
        found = [self.verify(payload, header) for payload, header in list(self.received)]
        return [event for event in found if not kind or event["type"] == kind]

    def verify(self, payload: bytes, header: str) -> Any:
        return stripe.Webhook.construct_event(payload, header, self.secret)

    def wait_for(self, kind: str, number: int = 1) -> list[Any]:
        """So many events of the type, as soon as they have come."""
        return eventually(lambda: found if len(found := self.events(kind)) >= number else [])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((payload, self.headers["Stripe-Signature"]))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handler


def types(receiver: Receiver) -> list[str]:
    return [json.loads(payload)["type"] for payload, _header in list(receiver.received)]


def now() -> int:
    return int(time.time())
