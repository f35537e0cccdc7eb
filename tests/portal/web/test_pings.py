"""Where instances tell how they are used: who is let in, what is kept, and what that costs."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.core import clock
from provisioning.fleet.pings import ping_token
from provisioning.models import Instance, Usage

FIGURES = {"seats": 31, "active_1d": 4, "active_7d": 12, "active_30d": 19}


@pytest.fixture
def ping(running):
    """Sends a body as acme's instance does, unless another token is given."""

    def ping(body=FIGURES, token=None, **more):
        bearer = ping_token(running.pk) if token is None else token
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        # As in life: nothing but the token is sent along, and nothing is forgiven.
        client = Client(enforce_csrf_checks=True)
        return client.generic("POST", reverse("usage_ping"), content, "application/json", headers=headers | more)

    return ping


def test_what_is_counted_is_kept(ping, running):
    assert (ping().status_code, ping().content) == (204, b"")
    row = Usage.objects.get()
    assert (row.instance, row.day, row.figures) == (running, clock.now().date(), FIGURES)
    assert clock.now() - row.counted_at < timedelta(minutes=1)


def test_of_a_day_the_last_count_stays(ping):
    ping()
    ping({**FIGURES, "seats": 32})
    assert Usage.objects.get().figures["seats"] == 32


def test_what_is_not_on_the_list_is_dropped(ping):
    assert ping({**FIGURES, "secret_projects": 3}).status_code == 204
    assert Usage.objects.get().figures == FIGURES


@pytest.mark.parametrize("token", ["", "nonsense", "src-1:abc", "msp_x", "é"])
def test_nobody_else_is_let_in(ping, token):
    answer = ping(token=token)
    assert (answer.status_code, answer.content, answer["WWW-Authenticate"]) == (401, b"", "Bearer")
    assert not Usage.objects.exists()


def test_one_instances_token_is_not_anothers(ping, running):
    signature = ping_token(running.pk).rpartition(":")[2]
    assert ping(token=f"src-00000000000000000000:{signature}").status_code == 401


@pytest.mark.parametrize("change", [{"status": "deleted"}, {"kind": "rehearsal", "trial_ends_at": None}])
def test_what_is_deleted_or_a_copy_is_not_let_in_and_not_told_why(ping, running, change):
    Instance.objects.filter(pk=running.pk).update(**change)
    answer = ping()
    assert (answer.status_code, answer.content) == (401, b"")
    assert not Usage.objects.exists()


def test_one_that_never_was_is_not_let_in(ping):
    assert ping(token=ping_token("src-00000000000000000000")).status_code == 401


def test_a_token_survives_the_change_of_the_key(ping, running, settings):
    token = ping_token(running.pk)
    settings.SECRET_KEY, former = "another key that is long enough to be one of those that sign", settings.SECRET_KEY
    assert ping_token(running.pk) != token
    assert ping(token=token).status_code == 401
    settings.SECRET_KEY_FALLBACKS = [former]
    assert ping(token=token).status_code == 204


@pytest.mark.parametrize(
    ("body", "says"),
    [("", "one JSON object"), ("{", "one JSON object"), (b"\xff", "one JSON object"), ("[" * 4_000, "one JSON object"),
     ({"seats": -1}, "not negative"), ({"seats": 1.5}, "whole numbers"), ({"seats": "31"}, "whole numbers"),
     ('{"seats": NaN}', "whole numbers"), ({}, "none of the figures"), ({"other": 1}, "none of the figures")],
)  # fmt: skip
def test_what_is_no_ping_is_refused_in_a_sentence(ping, body, says):
    answer = ping(body)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not Usage.objects.exists()


def test_what_is_long_is_not_read(ping):
    assert ping({"seats": 31, "x" * 4_096: 1}).status_code == 413


def test_it_takes_two_statements_however_much_there_is(ping, running):
    for days in range(1, 40):
        day = clock.now().date() - timedelta(days=days)
        Usage.objects.create(instance=running, day=day, figures=FIGURES)
    with CaptureQueriesContext(connection) as captured:
        ping()
    assert len(captured) == 2


def test_who_asks_without_end_is_told_to_wait(ping):
    assert [ping().status_code for _ in range(30)] == [204] * 30
    answer = ping()
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")


def test_it_is_only_posted_to(client):
    assert client.get(reverse("usage_ping")).status_code == 405


def test_figures_and_tokens_are_in_no_log(ping, running, caplog):
    ping({**FIGURES, "seats": 987_654, "secret_projects": 876_543})
    ping({"seats": "765_432"})
    assert not [word for word in ("987654", "876543", "765_432", ping_token(running.pk)) if word in caplog.text]
