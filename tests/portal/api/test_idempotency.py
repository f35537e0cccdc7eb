"""A call that is sent twice happens once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from portal.api.idempotency import _lock as lock
from portal.api.models import AnsweredCall
from provisioning.models import Instance
from tests.portal.api.calling import Caller, problem

BODY = {"slug": "acme", "region": "us-central1"}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]


def test_the_stored_answer_comes_back(acmes):
    first = acmes.post("/instances", BODY, key="one")
    second = acmes.post("/instances", BODY, key="one")
    assert (second.status_code, second.json(), second["Location"]) == (201, first.json(), first["Location"])
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Instance.objects.count() == 1


def test_the_order_of_fields_makes_no_other_call(acmes):
    acmes.post("/instances", BODY, key="one")
    turned = dict(reversed(BODY.items()))
    assert acmes.post("/instances", turned, key="one").status_code == 201


@pytest.mark.parametrize(
    ("path", "body"), [("/instances", {**BODY, "slug": "other"}), ("/instances/src-1/teardown", BODY)]
)
def test_a_key_belongs_to_one_call(acmes, path, body):
    acmes.post("/instances", BODY, key="one")
    response = acmes.post(path, body, key="one")
    assert (response.status_code, problem(response)["code"]) == (422, "key_reused")


def test_the_keys_of_two_tokens_have_nothing_to_do_with_each_other(acmes, globexs):
    acmes.post("/instances", BODY, key="one")
    assert globexs.post("/instances", {**BODY, "slug": "globex"}, key="one").status_code == 201


def test_a_refused_call_may_be_sent_again_with_its_key(acmes):
    assert acmes.post("/instances", {**BODY, "slug": "admin"}, key="one").status_code == 422
    assert acmes.post("/instances", BODY, key="one").status_code == 201


def test_the_answer_and_the_effect_are_written_together_or_not_at_all(acmes, monkeypatch):
    def broken(*_args, **_fields):
        raise RuntimeError("the database went away")

    acmes.client.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(AnsweredCall.objects, "create", broken)
        assert acmes.post("/instances", BODY, key="one").status_code == 500
    assert Instance.objects.count() == 0
    assert acmes.post("/instances", BODY, key="one").status_code == 201


def test_a_call_without_a_key_happens_whole_or_not_at_all(acmes, monkeypatch):
    def broken(*_args, **_fields):
        raise RuntimeError("the answer cannot be made")

    acmes.client.raise_request_exception = False
    monkeypatch.setattr("portal.api.views.instances.instance_for", broken)
    assert acmes.post("/instances", BODY).status_code == 500
    assert Instance.objects.count() == 0


def test_a_key_is_kept_for_two_days(acmes):
    acmes.post("/instances", BODY, key="one")
    with time_machine.travel(timezone.now() + timedelta(hours=47)):
        assert acmes.post("/instances", BODY, key="one").status_code == 201
    with time_machine.travel(timezone.now() + timedelta(hours=49)):
        assert acmes.post("/instances", BODY, key="one").status_code == 409


@pytest.mark.parametrize("key", ["k" * 256, "schlüssel"])
def test_a_key_of_a_wrong_form_is_malformed(acmes, key):
    response = acmes.post("/instances", BODY, key=key)
    assert (response.status_code, problem(response)["code"]) == (400, "malformed")


def in_another_thread(secret):
    """One call on a connection of its own, as another process would make it."""

    def call():
        try:
            return Caller(secret).post("/instances", BODY, key="one")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.mark.django_db(transaction=True)
def test_a_call_under_way_is_told_so(acmes):
    with transaction.atomic():
        lock(acmes.token, "one")
        response = in_another_thread(acmes.secret)
    assert (response.status_code, problem(response)["code"]) == (409, "under_way")
    assert in_another_thread(acmes.secret).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_two_calls_at_once_start_one_instance(acmes):
    together = Barrier(2)

    def call(_number):
        try:
            together.wait(timeout=30)
            return Caller(acmes.secret).post("/instances", BODY, key="one").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(call, range(2)))
    assert statuses in ([201, 201], [201, 409])
    assert Instance.objects.count() == 1
    assert acmes.post("/instances", BODY, key="one")["Idempotency-Replayed"] == "true"
