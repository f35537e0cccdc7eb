"""Each event on its way to each endpoint: signed, sent, and sent again until somebody takes it."""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from devcloud import clock, timers
from devcloud.cloud import Cloud
from devcloud.store import Store
from devcloud.stripe import rules
from devcloud.stripe.books import Books, Json

DELIVERIES = "stripe_delivery"
_EVENTS, _ENDPOINTS = "stripe_event", "stripe_webhook_endpoint"
_DELIVER = "stripe.deliver"
_ATTEMPTS = 8
_AT_ONCE = 16


def prepare(books: Books, event: Json) -> None:
    """The event is on its way to every enabled endpoint that wants it, unless a rule says otherwise."""
    for endpoint in books.all("webhook_endpoint"):
        if endpoint["status"] == "enabled" and {"*", event["type"]} & set(endpoint["enabled_events"]):
            event["pending_webhooks"] += 1
            state = _state(books, event["type"])
            _send_off(books, event, endpoint, state)
            if rules.takes(books, "duplicate", event["type"]):
                _send_off(books, event, endpoint, state)


def _state(books: Books, kind: str) -> str:
    if rules.takes(books, "drop", kind):
        return "dropped"
    return "held" if rules.takes(books, "hold", kind) else "pending"


def _send_off(books: Books, event: Json, endpoint: Json, state: str) -> None:
    document = {
        "id": books.new_id("delivery"),
        "object": "delivery",
        "event": event["id"],
        "type": event["type"],
        "endpoint": endpoint["id"],
        "state": state,
        "attempts": [],
        "sending": False,
    }
    books.add(document, event["id"])
    if state == "pending":
        _schedule(books.cloud, str(document["id"]), books.cloud.profile.seconds("stripe.delivery"))


def _schedule(cloud: Cloud, key: str, seconds: float) -> None:
    timers.schedule(cloud, clock.now() + seconds, _DELIVER, {"id": key})


@timers.action(_DELIVER)
def _due(cloud: Cloud, _at: float, arguments: Json) -> None:
    courier(cloud).send(arguments["id"])


def resume(cloud: Cloud) -> None:
    """What was under way when the process ended is sent once more."""
    for key, delivery in cloud.store.items(DELIVERIES):
        if delivery["sending"]:
            _schedule(cloud, key, 0)


class Courier:
    """Sends deliveries, several at once, in tasks of the loop."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(_AT_ONCE)

    def send(self, key: str) -> None:
        """The delivery is under way."""
        task = asyncio.get_running_loop().create_task(self.deliver(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def deliver(self, key: str) -> None:
        """It has been tried once, and is tried again later if nobody took it."""
        found = self._address(key)
        if found is None:
            return
        event, endpoint = found
        self._note(key, sending=True)
        async with self._free:
            status = await _post(endpoint, event, self._cloud.profile.seconds("stripe.delivery.timeout"))
        self._settle(key, status)

    def _address(self, key: str) -> tuple[Json, Json] | None:
        store = self._cloud.store
        delivery = store.get(DELIVERIES, key)
        event = store.get(_EVENTS, delivery["event"]) if delivery else None
        if delivery is None or event is None:
            return None
        endpoint = store.get(_ENDPOINTS, delivery["endpoint"])
        if endpoint is None or endpoint["status"] != "enabled":
            self._note(key, state="failed", sending=False)
            return None
        return event, endpoint

    def _settle(self, key: str, status: int) -> None:
        delivery = self._cloud.store.get(DELIVERIES, key)
        if delivery is None:
            return
        attempts = [*delivery["attempts"], {"at": clock.rfc3339(clock.now()), "status": status}]
        taken, was_taken = 200 <= status < 300, delivery["state"] == "delivered"
        state = "delivered" if taken or was_taken else "failed" if len(attempts) >= _ATTEMPTS else "pending"
        self._note(key, attempts=attempts, state=state, sending=False)
        if taken and not was_taken:
            self._reach(delivery)
        elif state == "pending":
            _schedule(self._cloud, key, self._cloud.profile.seconds("stripe.retry") * 2 ** (len(attempts) - 1))

    def _reach(self, delivery: Json) -> None:
        """One endpoint fewer waits for the event, if all that was sent to it has arrived."""
        store = self._cloud.store
        places = store.items("stripe_index", f"{delivery['event']}/delivery/")
        siblings = [store.get(DELIVERIES, entry["id"]) or {} for _place, entry in places]
        event = store.get(_EVENTS, delivery["event"])
        if event:
            waiting = {s["endpoint"] for s in siblings if s} - {
                s["endpoint"] for s in siblings if s.get("state") == "delivered"
            }
            store.put(_EVENTS, event["id"], {**event, "pending_webhooks": len(waiting)})

    def _note(self, key: str, **changes: Any) -> None:
        delivery = self._cloud.store.get(DELIVERIES, key)
        if delivery:
            self._cloud.store.put(DELIVERIES, key, {**delivery, **changes})


_COURIERS: WeakKeyDictionary[Store, Courier] = WeakKeyDictionary()


def courier(cloud: Cloud) -> Courier:
    """The one of this devcloud."""
    if cloud.store not in _COURIERS:
        _COURIERS[cloud.store] = Courier(cloud)
    return _COURIERS[cloud.store]


def signature(payload: str, secrets: list[Json], at: int, now: float) -> str:
    """The Stripe-Signature header, with one v1 for each secret that still counts."""
    valid = [each["secret"] for each in secrets if each["until"] is None or each["until"] > now]
    signed = f"{at}.{payload}".encode()
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in valid]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


async def _post(endpoint: Json, event: Json, seconds: float) -> int:
    """The status that was answered; 0 for none."""
    shown = {name: value for name, value in event.items() if not name.startswith("_")}
    payload = json.dumps({**shown, "api_version": endpoint["api_version"] or event["api_version"]}, indent=2)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        # Receivers hold this against their own clocks, which devcloud's may be ahead of.
        "Stripe-Signature": signature(payload, endpoint["_secrets"], int(time.time()), clock.now()),
    }
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=seconds, verify=_tls()) as client:
            answer = await client.post(endpoint["url"], content=payload, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return 0
    return answer.status_code


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading all the certificates takes a while."""
    return ssl.create_default_context()
