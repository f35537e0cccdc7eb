"""What the API says of itself is true."""

import functools
import json

import pytest
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012 as DRAFT

from provisioning.models import Instance
from provisioning.services import plan_request
from tests.portal.api.calling import Caller
from tests.portal.web.watching import deleted

pytestmark = pytest.mark.django_db
ROOT = "urn:schema"


@functools.cache
def served():
    return json.loads(Caller().get("/openapi.json").content)


@pytest.fixture
def schema():
    return served()


def check(schema, response, method: str, path: str):
    """The response is one that the schema has for the call, with a body and headers as it says."""
    documented = schema["paths"]["/api/v1" + path][method]["responses"][str(response.status_code)]
    content = documented["content"][response["Content-Type"].split(";")[0]]
    registry = Registry().with_resource(ROOT, Resource.from_contents(schema, default_specification=DRAFT))
    pointer = content["schema"]["$ref"]
    Draft202012Validator({"$ref": ROOT + pointer}, registry=registry).validate(response.json())
    assert set(documented["headers"]) - {"Idempotency-Replayed"} <= set(response.headers)


def test_the_schema_is_valid(schema):
    validate_schema(schema)


def test_every_call_needs_the_token_and_says_which_scope(schema):
    for calls in schema["paths"].values():
        for call in calls.values():
            assert call["security"] == [{"token": []}]
            assert "Needs the scope `" in call["description"]
            assert {"401", "403", "429", "500"} <= set(call["responses"])


def test_every_post_takes_an_idempotency_key(schema):
    for calls in schema["paths"].values():
        for method, call in calls.items():
            assert (method == "post") == any(p["name"] == "Idempotency-Key" for p in call.get("parameters", []))


def test_every_example_is_true_to_its_schema(schema):
    registry = Registry().with_resource(ROOT, Resource.from_contents(schema, default_specification=DRAFT))
    count = 0
    for calls in schema["paths"].values():
        for call in calls.values():
            for answer in (*call["responses"].values(), call.get("requestBody", {"content": {}})):
                for content in answer["content"].values():
                    validator = Draft202012Validator({"$ref": ROOT + content["schema"]["$ref"]}, registry=registry)
                    for example in content.get("examples", {}).values():
                        validator.validate(example["value"])
                        count += 1
    assert count > 50


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/organizations", None, 200),
        ("get", "/organizations/{organization_id}", None, 200),
        ("get", "/instances", None, 200),
        ("get", "/instances/{instance_id}", None, 200),
        ("get", "/instances/{instance_id}/operations", None, 200),
        ("get", "/instances/{instance_id}/usage", None, 200),
        ("get", "/operations/{operation_id}", None, 200),
        ("get", "/regions", None, 200),
        ("get", "/names/{slug}", None, 200),
        ("get", "/plans/{plan_id}", None, 200),
        ("get", "/plans/trial", None, 200),
        ("get", "/instances/{instance_id}/certificate", None, 404),
        ("get", "/instances/{instance_id}/updates", None, 200),
        ("post", "/instances/{instance_id}/updates/postpone", {"until": None}, 409),
        ("post", "/instances/{instance_id}/updates/postpone", {"until": "soon"}, 422),
        ("patch", "/instances/{instance_id}/maintenance", {"weekday": "sunday", "hour": 2}, 200),
        ("patch", "/instances/{instance_id}/maintenance", {"hour": 25}, 422),
        ("patch", "/instances/{instance_id}/maintenance", {"channel": "insiders"}, 403),
        ("post", "/instances/{instance_id}/plans", {"kind": "teardown"}, 202),
        ("post", "/instances/{instance_id}/plans", {"kind": "explode"}, 422),
        ("post", "/instances", {"slug": "another", "region": "us-central1"}, 409),
        ("post", "/instances", {"slug": "no!", "region": "moon"}, 422),
        ("post", "/instances/{instance_id}/teardown", {"confirmation": "acme"}, 202),
        ("post", "/instances/{instance_id}/teardown", {"confirmation": "wrong"}, 422),
    ],
)
def test_answers_are_as_documented(schema, acmes, started, by_alice, method, path, body, status):
    names = {
        "organization_id": started["organization"],
        "instance_id": started["id"],
        "operation_id": started["operation"]["id"],
        "slug": "initech",
        "plan_id": plan_request(instance=Instance.objects.get(), kind="teardown", actor=by_alice).pk,
    }
    whole = path.format(**names)
    response = acmes.get(whole) if method == "get" else getattr(acmes, method)(whole, body)
    assert response.status_code == status
    check(schema, response, method, path)


def test_a_started_trial_is_as_documented(schema, acmes, workflows):
    response = acmes.post("/instances", {"slug": "acme", "region": "us-central1"})
    assert response.status_code == 201
    check(schema, response, "post", "/instances")


def test_updates_are_as_documented(schema, acmes, served, member, done):
    done(served, probes=3)
    path = "/instances/{instance_id}/updates"
    check(schema, acmes.get(path.format(instance_id=served.pk)), "get", path)
    response = acmes.post(f"/instances/{served.pk}/updates/postpone", {"until": "2026-11-30T00:00:00Z"})
    assert response.status_code == 200
    check(schema, response, "post", f"{path}/postpone")


def test_a_certificate_is_as_documented(schema, acmes, trial, by_alice):
    deleted(trial, by_alice)
    response = acmes.get(f"/instances/{trial.pk}/certificate")
    assert response.status_code == 200
    check(schema, response, "get", "/instances/{instance_id}/certificate")


@pytest.mark.parametrize(("path", "status"), [("/instances", 401), ("/names/{slug}", 401)])
def test_problems_are_as_documented(schema, path, status):
    response = Caller().get(path.format(slug="initech"))
    assert response.status_code == status
    check(schema, response, "get", path)


def test_the_page_of_the_documentation_runs_under_the_strict_policy():
    response = Caller().get("/docs/")
    page = response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "<style" not in page
    assert page.count("<script src=") == page.count("<script")
    script = Caller().get("/docs/?script=")
    assert script["Content-Type"] == "application/javascript"
    assert "openapi.json" in script.content.decode()
