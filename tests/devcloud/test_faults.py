"""Injected trouble, as Google's client meets it, and the journal that counts every call."""

import time

import httplib2
import httpx
import pytest
from googleapiclient.discovery import build

from tests.devcloud.google_client import refusal

INSERT = "compute.networks.insert"


def insert(place, name="net"):
    body = {"name": name, "autoCreateSubnetworks": False}
    return place.google.api("compute").networks().insert(project=place.id, body=body)


def exists(place, name="net"):
    place.google.devcloud.skip(30)
    listed = place.google.api("compute").networks().list(project=place.id).execute()
    return name in [network["name"] for network in listed.get("items", [])]


def numbers(calls, method=INSERT):
    return [(call["status"], call["method"]) for call in calls if call["method"] == method]


def test_a_status_is_answered_without_acting(place, faulty):
    faulty.add_fault(INSERT, "status", status=403, reason="rateLimitExceeded", message="Slow down.", nth=1)
    refused = refusal(insert(place))
    assert (refused.code, refused.reason, refused.message) == (403, "rateLimitExceeded", "Slow down.")
    assert "error" not in place.run("compute", insert(place))


def test_the_newer_form_tells_the_reason_as_error_info(place, faulty):
    faulty.add_fault("secretmanager.*", "status", status=429, reason="rateLimitExceeded")
    refused = refusal(place.google.api("secretmanager").projects().secrets().list(parent=place.name))
    assert (refused.code, refused.status, refused.reason) == (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")


def test_a_reset_is_a_connection_error_and_nothing_was_done(place, faulty):
    faulty.add_fault(INSERT, "reset", nth=1)
    since = faulty.calls()[-1]["n"]
    with pytest.raises(ConnectionResetError):
        insert(place).execute()
    assert not exists(place)
    assert numbers(faulty.calls(since)) == [(0, INSERT)]  # the client has not tried again behind our back


def test_acting_and_dropping_the_answer_leaves_the_deed_done(place, faulty):
    faulty.add_fault(INSERT, "act_then_drop", nth=1)
    with pytest.raises(ConnectionResetError):
        insert(place).execute()
    assert refusal(insert(place)).code == 409
    assert exists(place)


def test_an_answer_held_back_outlasts_the_clients_patience(place, faulty):
    faulty.add_fault(INSERT, "timeout", seconds=5, nth=1)
    endpoint = f"{faulty.google_endpoint}/compute/compute/v1/"
    http = httplib2.Http(timeout=0.2, proxy_info=None)
    api = build("compute", "v1", http=http, static_discovery=True, client_options={"api_endpoint": endpoint})
    body = {"name": "net", "autoCreateSubnetworks": False}
    with pytest.raises(TimeoutError):
        api.networks().insert(project=place.id, body=body).execute()
    api.close()
    assert refusal(insert(place)).code == 409


def test_an_operation_can_be_made_to_fail(place, faulty):
    faulty.add_fault(INSERT, "fail_operation", code="QUOTA_EXCEEDED", message="Quota 'NETWORKS' exceeded.")
    ended = place.run("compute", insert(place))
    assert ended["error"]["errors"] == [{"code": "QUOTA_EXCEEDED", "message": "Quota 'NETWORKS' exceeded."}]
    assert not exists(place)


def test_a_rule_touches_the_calls_that_it_counts(place, faulty):
    faulty.add_fault("compute.networks.list", "status", **{"from": 2, "count": 2})
    request = place.google.api("compute").networks().list(project=place.id)
    statuses = []
    for _ in range(4):
        answer = httpx.get(request.uri, trust_env=False)
        statuses.append(answer.status_code)
    assert statuses == [200, 503, 503, 200]
    [rule] = faulty.control("GET", "faults")["faults"]
    assert rule["matches"] == 4


def test_a_rule_can_be_removed(place, faulty):
    rule_id = faulty.add_fault("*", "status", service="compute", status=500)
    assert refusal(insert(place)).code == 500
    faulty.control("DELETE", f"faults/{rule_id}")
    assert "error" not in place.run("compute", insert(place))


@pytest.mark.parametrize(
    "form", [{"effect": "explode"}, {"effect": "status", "sevice": "x"}, {"effect": "status", "nth": 0}, [], "status"]
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_sentence(faulty, form):
    answer = httpx.post(f"{faulty.http_url}/_control/faults", json=form, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_every_call_is_in_the_journal(place, devcloud):
    since = devcloud.calls()[-1]["n"]
    refusal(place.google.api("compute").networks().get(project=place.id, network="none"))
    [call] = devcloud.calls(since)
    assert (call["service"], call["method"], call["status"]) == ("compute", "compute.networks.get", 404)
    assert call["path"].endswith(f"/projects/{place.id}/global/networks/none")
    assert call["n"] == since + 1


def test_a_held_answer_holds_nobody_else(place, faulty):
    faulty.add_fault("compute.networks.get", "timeout", seconds=30)
    uri = place.google.api("compute").networks().get(project=place.id, network="n").uri
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(uri, trust_env=False, timeout=0.1)
    started = time.monotonic()
    insert(place).execute()
    assert time.monotonic() - started < 5
