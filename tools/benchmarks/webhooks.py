"""How fast Stripe's events are taken in: signed, over HTTP, by the web server as it runs in production.

intake_ratio: events per second over HTTP, against bare inserts of the same rows, each with a commit of its own, by as
many connections as the web server has threads or by a single one, whichever is faster. The workers stand still
meanwhile, so that it is the intake that is measured: what events are about is fetched later, for each customer once.
"""

import argparse
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

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
PROCESSES, THREADS = 2, 8  # of the web server, as in the Dockerfile
SENDERS = PROCESSES * THREADS
PATIENCE_SECONDS = 30.0
INSERT = "INSERT INTO billing_stripeevent (id, kind, customer, happened_at, received_at) VALUES (%s, %s, %s, %s, %s)"
Row = tuple[str, str, str, datetime, datetime]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5_000, help="events")
    count = parser.parse_args().count
    app.control.cancel_consumer("steps", reply=True)
    _customers()
    with _web() as url:
        _send(url, range(SENDERS * 20), prefix="warm")
        before = _bare(count, "before")
        intake = count / _seconds(lambda: _send(url, range(count), prefix="sent"))
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
def _web() -> Iterator[str]:
    """The portal answers at this URL."""
    port = any_free()
    command = ["gunicorn", "portal.wsgi:application", "--bind", f"{HOST}:{port}", "--no-control-socket"]
    size = ["--worker-class", "gthread", "--workers", str(PROCESSES), "--threads", str(THREADS)]
    environment = {**os.environ, "STRIPE_WEBHOOK_SECRETS": "whsec_bench"}
    web = subprocess.Popen([sys.executable, "-m", *command, *size], env=environment, cwd=PROJECT)
    try:
        _until_it_answers(port)
        yield f"http://{HOST}:{port}"
    finally:
        web.terminate()
        web.wait()


def _until_it_answers(port: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            asked = http.client.HTTPConnection(HOST, port, timeout=5)
            asked.request("GET", "/healthz")
            if asked.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The web server did not come up.")


def _send(url: str, numbers: Sequence[int], *, prefix: str) -> None:
    """All of these events are sent and answered, by as many senders at once as the server has threads."""
    target = urlsplit(url)
    signed = [_signed(prefix, number) for number in numbers]

    def send(mine: Sequence[tuple[bytes, dict[str, str]]]) -> None:
        to = http.client.HTTPConnection(target.hostname or "", target.port)
        for payload, headers in mine:
            to.request("POST", "/stripe/events/", payload, headers)
            answer = to.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.NO_CONTENT:
                raise SystemExit(f"An event was answered by {answer.status}.")

    _side_by_side([partial(send, signed[start::SENDERS]) for start in range(SENDERS)])


def _signed(prefix: str, number: int) -> tuple[bytes, dict[str, str]]:
    event = {
        "id": f"{prefix}-{number}",
        "object": "event",
        "type": KIND,
        "created": int(time.time()),
        "data": {"object": {"object": "invoice", "customer": f"cus_{number % CUSTOMERS}", "lines": ["x" * 60] * 60}},
    }
    payload, at = json.dumps(event).encode(), int(time.time())
    mac = hmac.new(b"whsec_bench", f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return payload, {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={mac}"}


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
