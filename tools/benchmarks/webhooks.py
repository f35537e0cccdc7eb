"""How fast Stripe's events are taken in: signed, over HTTP, by the process that does so in production.

intake_ratio: events per second over HTTP, against bare inserts of the same rows, each with a commit of its own, by as
many connections as there are senders or by a single one, whichever is faster, before or after. Senders keep their
connections, and send the next event once the one before is answered. The intake writes together what has come while it
wrote (portal.intake), and so saves the database some of the work that bare inserts are: that is its design, it is how
it works in production, and each event is answered after its commit all the same. The workers stand still meanwhile, so
that it is the intake that is measured: what events are about is fetched later, for each customer once.
"""

import argparse
import hashlib
import hmac
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

import psycopg  # noqa: E402 - Django has to be set up first
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from billing.models import Account, StripeEvent  # noqa: E402
from portal.celery import app  # noqa: E402
from portal.core import clock  # noqa: E402
from portal.core.models import Organization  # noqa: E402
from tools.paths import PROJECT  # noqa: E402
from tools.ports import HOST, any_free  # noqa: E402

CUSTOMERS, KIND = 100, "invoice.paid"
SENDERS = 16
PATIENCE_SECONDS = 30.0
INSERT = "INSERT INTO billing_stripeevent (id, kind, customer, happened_at, received_at) VALUES (%s, %s, %s, %s, %s)"
Row = tuple[str, str, str, datetime, datetime]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5_000, help="events")
    count = parser.parse_args().count
    app.control.cancel_consumer("steps", reply=True)
    _customers()
    with _intake() as port:
        _send(port, _requests(SENDERS * 20, "warm"))
        before = _bare(count, "before")
        requests = _requests(count, "sent")
        intake = count / _seconds(lambda: _send(port, requests))
        after = _bare(count, "after")
    kept = StripeEvent.objects.filter(pk__startswith="sent-").count()
    if kept != count or Account.objects.filter(due_at=None).exists():
        raise SystemExit(f"Only {kept} of {count} events were kept, or not all customers were told of.")
    bare = max(before, after)
    print(f"bare inserts: {before:.0f}/s before, {after:.0f}/s after; over HTTP: {intake:.0f}/s")  # noqa: T201
    result = {
        "intake_ratio": round(intake / bare, 3),
        "events_per_second": round(intake, 1),
        "inserts_per_second": round(bare, 1),
        "events": count,
    }
    print(json.dumps(result))  # noqa: T201


def _customers() -> None:
    names = [f"customer-{number}" for number in range(CUSTOMERS)]
    made = Organization.objects.bulk_create(Organization(name=name, slug=name) for name in names)
    Account.objects.bulk_create(
        Account(organization=organization, stripe_id=f"cus_{number}", due_at=None)
        for number, organization in enumerate(made)
    )


@contextmanager
def _intake() -> Iterator[int]:
    """The intake answers at this port, run as in docker-compose.yml."""
    port = any_free()
    command = ["uvicorn", "portal.intake:application", "--host", HOST, "--port", str(port)]
    options = ["--lifespan", "off", "--no-proxy-headers", "--no-access-log", "--log-level", "warning"]
    environment = {**os.environ, "STRIPE_WEBHOOK_SECRETS": "whsec_bench"}
    intake = subprocess.Popen([sys.executable, "-m", *command, *options], env=environment, cwd=PROJECT)
    try:
        _until_it_answers(port)
        yield port
    finally:
        intake.terminate()
        intake.wait()


def _until_it_answers(port: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection((HOST, port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The intake did not come up.")


def _send(port: int, requests: Iterable[bytes]) -> None:
    """All are sent and answered, by so many senders at once; one thread is enough, and leaves the cores to others."""
    left = iter(requests)
    with selectors.DefaultSelector() as answers, ExitStack() as connections:
        for request in islice(left, SENDERS):
            sender = connections.enter_context(socket.create_connection((HOST, port)))
            sender.sendall(request)
            answers.register(sender, selectors.EVENT_READ, sender)
        while answers.get_map():
            answered = answers.select(PATIENCE_SECONDS)
            if not answered:
                raise SystemExit("An event was not answered.")
            for key, _ in answered:
                _go_on(key.data, left, answers)


def _go_on(sender: socket.socket, left: Iterator[bytes], answers: selectors.BaseSelector) -> None:
    """The sender's event is kept, and the next one on its way, if there is one."""
    answer = sender.recv(65_536)
    if not (answer.startswith(b"HTTP/1.1 204 ") and answer.endswith(b"\r\n\r\n")):
        raise SystemExit(f"An event was answered by {answer!r}.")
    request = next(left, None)
    if request is None:
        answers.unregister(sender)
    else:
        sender.sendall(request)


def _requests(count: int, prefix: str) -> list[bytes]:
    """Signed beforehand: that is Stripe's work."""
    return [_request(f"{prefix}-{number}", number % CUSTOMERS) for number in range(count)]


def _request(key: str, customer: int) -> bytes:
    at = int(time.time())
    about = {"object": "invoice", "customer": f"cus_{customer}", "lines": ["x" * 60] * 60}
    event = {"id": key, "object": "event", "type": KIND, "created": at, "data": {"object": about}}
    payload = json.dumps(event).encode()
    mac = hmac.new(b"whsec_bench", f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    head = (
        "POST /stripe/events/ HTTP/1.1",
        f"Host: {HOST}",
        "Content-Type: application/json",
        f"Content-Length: {len(payload)}",
        f"Stripe-Signature: t={at},v1={mac}",
    )
    return "\r\n".join((*head, "", "")).encode() + payload


def _bare(count: int, prefix: str) -> float:
    """Rows per second, by one connection and by many; the faster of the two."""
    return max(count / _seconds(partial(_insert, count, f"{prefix}-{many}", many)) for many in (1, SENDERS))


def _insert(count: int, prefix: str, connections: int) -> None:
    now = clock.now()
    rows: list[Row] = [
        (f"{prefix}-{number}", KIND, f"cus_{number % CUSTOMERS}", datetime.now(UTC), now) for number in range(count)
    ]
    url = settings.DATABASES["default"]

    def insert(mine: Sequence[Row]) -> None:
        where = {"host": url["HOST"], "port": url["PORT"], "user": url["USER"], "password": url["PASSWORD"]}
        with psycopg.connect(**where, dbname=connection.settings_dict["NAME"], autocommit=True) as to:
            for row in mine:
                to.execute(INSERT, row)

    _side_by_side([partial(insert, rows[start::connections]) for start in range(connections)])


def _side_by_side(deeds: Sequence[Callable[[], None]]) -> None:
    failed: list[BaseException] = []

    def run(deed: Callable[[], None]) -> None:
        try:
            deed()
        except BaseException as error:  # noqa: BLE001 - told by who started it
            failed.append(error)

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _seconds(deed: Callable[[], None]) -> float:
    began = time.monotonic()
    deed()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
