"""Who may call, and for what."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.throttling import SimpleRateThrottle

from portal.core.audit import Actor
from portal.core.models import AuditEvent, Scope
from portal.core.tokens import token_revoke
from tests.portal.api.calling import Caller, problem

pytestmark = pytest.mark.django_db


def refused(response):
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    return problem(response)


def test_a_call_without_a_token_is_told_to_bring_one():
    assert refused(Caller().get("/instances"))["code"] == "unauthenticated"


@pytest.mark.parametrize("header", ["Bearer msp_guessed", "Bearer", "Basic YWxpY2U6eA==", "Bearer \x00", "msp_x"])
def test_a_token_that_is_none_is_refused(header, db):
    response = Caller().send("get", "/instances", headers={"Authorization": header})
    assert "unknown, revoked or expired" in refused(response)["detail"]


def test_a_revoked_token_is_refused(acmes, alice):
    token_revoke(token=acmes.token, actor=Actor(alice, alice.email))
    refused(acmes.get("/instances"))


def test_an_expired_token_is_refused(acmes):
    acmes.token.expires_at = timezone.now() - timedelta(seconds=1)
    acmes.token.save()
    refused(acmes.get("/instances"))


def test_the_token_of_somebody_who_has_left_us_is_refused(acmes, alice):
    alice.is_active = False
    alice.save()
    refused(acmes.get("/instances"))


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/organizations", Scope.ORGANIZATIONS_READ),
        ("get", "/instances", Scope.INSTANCES_READ),
        ("head", "/instances", Scope.INSTANCES_READ),
        ("get", "/regions", Scope.INSTANCES_READ),
        ("get", "/names/acme", Scope.INSTANCES_READ),
        ("get", "/operations/op-1", Scope.INSTANCES_READ),
        ("post", "/instances", Scope.INSTANCES_WRITE),
        ("post", "/instances/src-1/teardown", Scope.INSTANCES_WRITE),
        ("get", "/instances/src-1/updates", Scope.INSTANCES_READ),
        ("post", "/instances/src-1/updates/postpone", Scope.INSTANCES_WRITE),
        ("patch", "/instances/src-1/maintenance", Scope.INSTANCES_WRITE),
    ],
)
def test_a_missing_scope_is_named(token_of, alice, acme, method, path, scope):
    caller = token_of(alice, acme, set(Scope.values) - {scope})
    response = caller.send(method, path, "{}")
    assert response.status_code == 403
    if method != "head":
        assert problem(response)["required_scope"] == scope
        assert scope in problem(response)["detail"]


def test_writing_does_not_include_reading(token_of, alice, acme):
    caller = token_of(alice, acme, [Scope.INSTANCES_WRITE])
    assert problem(caller.get("/instances"))["required_scope"] == "instances:read"


def test_the_audit_names_the_token_and_who_made_it(started, acmes, alice):
    event = AuditEvent.objects.get(action="instance.create")
    assert event.actor == alice
    assert event.actor_label == f"{alice.email} (token {acmes.token.hint}…)"
    assert event.source_address == "127.0.0.1"


def test_too_many_calls_are_told_when_to_come_back(acmes, globexs, monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"token": "2/hour"})
    assert [acmes.get("/regions").status_code for _ in range(3)] == [200, 200, 429]
    response = acmes.get("/regions")
    assert problem(response)["code"] == "throttled"
    assert 0 < int(response["Retry-After"]) <= 3600
    assert globexs.get("/regions").status_code == 200
