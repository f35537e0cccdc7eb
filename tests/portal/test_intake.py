"""Stripe's events at a process of their own: refused as by the web server, and written together where many come."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, cast

import httpx
import pytest
from django.db import connection, transaction
from django.urls import reverse

from billing.models import Account, StripeEvent
from portal.core import clock
from portal.intake import ADDRESS, application
from portal.web.views.stripe import MOST_BYTES
from tests.billing.shop import SECRET, event, signed
from tests.waiting import eventually
from tools.paths import PROJECT
from tools.ports import HOST, any_free

TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def running(database_url, acme) -> Iterator[str]:
    """The intake as in production, beside a customer whose facts are known."""
    Account.objects.create(organization=acme, stripe_id="cus_1", due_at=None)
    port = any_free()
    command = ["uvicorn", "portal.intake:application", "--port", str(port), "--lifespan", "off", "--no-proxy-headers"]
    environment = {**os.environ, "DATABASE_URL": database_url, "STRIPE_WEBHOOK_SECRETS": SECRET}
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment, cwd=PROJECT)
    try:
        eventually(lambda: _listens(port), within=30)
        yield f"http://{HOST}:{port}{ADDRESS}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def send(url: str, payload: bytes, signature: str) -> int:
    return httpx.post(url, content=payload, headers={"Stripe-Signature": signature}, trust_env=False).status_code


def asked(method: str = "POST", host: str = "127.0.0.1", path: str = ADDRESS, **options) -> httpx.Response:
    """What this process's own intake answers; it writes nothing."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", application))) as client:
            return await client.request(method, f"http://{host}{path}", **options)

    return asyncio.run(ask())


def test_it_answers_at_the_address_that_stripe_is_told():
    assert reverse("stripe_events") == ADDRESS


def test_it_answers_there_alone_and_to_what_is_sent():
    assert asked(path="/").status_code == 404
    assert (asked("GET").status_code, asked("GET").headers["Allow"]) == (405, "POST")


def test_another_host_is_none_of_ours():
    assert asked(host="elsewhere.example").status_code == 400


def test_what_stripe_has_not_signed_is_refused_and_in_the_log(caplog):
    answer = asked(content=signed(event())[0], headers={"Stripe-Signature": "t=1,v1=00"})
    assert (answer.status_code, answer.text) == (400, "This is not signed by Stripe.")
    assert "event.refused" in caplog.text


@pytest.mark.parametrize("declared", [True, False])
def test_what_is_too_long_for_an_event_is_not_read_to_its_end(declared):
    long = b"x" * (MOST_BYTES + 1)

    async def in_pieces():
        yield long
        raise AssertionError

    assert asked(content=long if declared else in_pieces()).status_code == 413


def test_in_production_nothing_is_taken_in_the_clear(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    answer = asked(content=b"{}")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://127.0.0.1{ADDRESS}")
    assert asked(content=b"{}", headers=TLS).status_code == 400  # for its signature


@pytest.mark.django_db(transaction=True)
def test_an_event_is_kept_once_and_its_customers_facts_are_due(running):
    assert [send(running, *signed(event())) for _ in range(2)] == [204, 204]
    assert StripeEvent.objects.get().customer == "cus_1"
    assert Account.objects.filter(due_at__lte=clock.now()).exists()


@pytest.mark.django_db(transaction=True)
def test_no_page_has_a_hand_in_the_answer(running):
    payload, signature = signed(event())
    answer = httpx.post(running, content=payload, headers={"Stripe-Signature": signature}, trust_env=False)
    assert not {"set-cookie", "content-security-policy", "vary"} & set(answer.headers)


@contextmanager
def one_that_waits(url: str, *later: str) -> Iterator[list["Future[int]"]]:
    """What an event and then later ones will have been answered; until the block begins, the first waits for a lock."""
    with ThreadPoolExecutor() as senders:
        with transaction.atomic():
            Account.objects.select_for_update().get()
            sent = [senders.submit(send, url, *signed(event()))]
            eventually(_somebody_waits_for_us)
            sent += [senders.submit(send, url, *signed(event(key=key))) for key in later]
            assert not wait(sent, timeout=0.5).done
        yield sent


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_another_is_written_is_written_together(running):
    with one_that_waits(running, "evt_2", "evt_3", "evt_4") as sent:
        assert {each.result() for each in sent} == {204}
    first, *others = StripeEvent.objects.order_by("pk").values_list("received_at", flat=True)
    assert len(others) == 3
    assert set(others) != {first}
    assert len(set(others)) == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_cannot_be_kept_keeps_out_no_other(running):
    with one_that_waits(running, "x" * 256, "evt_2", "evt_3") as sent:
        assert [each.result() for each in sent] == [204, 500, 204, 204]
    assert set(StripeEvent.objects.values_list("pk", flat=True)) == {"evt_1", "evt_2", "evt_3"}


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid")
        return cursor.fetchone() is not None
