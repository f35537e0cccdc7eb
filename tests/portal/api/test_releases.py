"""Releases over the API: customers see what is on offer, our own programs import."""

import pytest

from portal.core.models import AuditEvent, Role, Scope, StaffScope
from provisioning.models import Chart, Release
from tests.conftest import chart_of_ours, member, release
from tests.portal.api.calling import problem
from tests.portal.api.test_schema import check, served

pytestmark = pytest.mark.django_db
WISH = {"version": "5.12.0", "notes": "Faster."}


@pytest.fixture
def adas_program(token_of, ada, acme):
    return token_of(ada, acme, [Scope.INSTANCES_READ, StaffScope.RELEASES_WRITE])


def versions(response):
    return [found["version"] for found in response.json()["results"]]


def test_what_is_on_offer_is_listed_the_latest_first(acmes):
    release("5.12.0", channel="early")
    release("5.13.0", channel="insiders")
    release("5.14.0", status="draft")
    release("5.15.0", status="withdrawn")
    response = acmes.get("/releases")
    assert versions(response) == ["5.12.0", "5.11.0", "5.10.1", "5.10.0"]
    assert response.json()["results"][0].keys() == {"version", "kind", "channel", "notes", "released_at"}
    check(served(), response, "get", "/releases")


def test_the_list_comes_in_pages(acmes):
    first = acmes.get("/releases", limit=2).json()
    assert [found["version"] for found in first["results"]] == ["5.11.0", "5.10.1"]
    assert versions(acmes.get(first["next"])) == ["5.10.0"]


def test_one_is_got_by_its_version(acmes):
    response = acmes.get("/releases/5.11.0")
    assert response.json()["kind"] == "minor"
    check(served(), response, "get", "/releases/{version}")


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "withdrawn"}, {"channel": "insiders"}])
def test_what_is_not_on_offer_does_not_exist(acmes, adas_program, fields):
    release("5.12.0", **fields)
    assert problem(acmes.get("/releases/5.12.0"))["code"] == "not_found"
    assert adas_program.get("/releases/5.12.0").status_code == 200


def test_our_program_imports_a_draft(adas_program, ada):
    response = adas_program.post("/releases", WISH)
    assert response.status_code == 201
    assert response["Location"].endswith("/api/v1/releases/5.12.0")
    check(served(), response, "post", "/releases")
    body = response.json()
    assert (body["status"], body["channel"], body["schema_is_compatible"]) == ("draft", "stable", True)
    assert body["chart"]["digest"] == chart_of_ours().digest
    assert AuditEvent.objects.get(action="release.import").actor == ada
    assert adas_program.post("/releases", WISH).json() == body
    assert Release.objects.filter(app_version="5.12.0").count() == 1


def test_what_cannot_be_imported_is_told_by_field(adas_program):
    body = problem(adas_program.post("/releases", {**WISH, "chart": "/nowhere"}))
    assert body["code"] == "invalid"
    assert "There is no chart at /nowhere" in body["errors"]["chart"][0]
    assert problem(adas_program.post("/releases", {"version": "next"}))["errors"].keys() == {"app_version"}


def test_a_version_with_another_chart_is_a_conflict(adas_program):
    release("5.12.0", chart=Chart.objects.create(digest="f" * 64, name="other", version="1.0.0", archive=b""))
    assert problem(adas_program.post("/releases", WISH))["code"] == "conflict"


def test_a_customers_token_imports_nothing(acmes):
    assert problem(acmes.post("/releases", WISH))["required_scope"] == "releases:write"
    assert not Release.objects.filter(app_version="5.12.0").exists()


def test_who_is_no_longer_of_our_staff_imports_nothing(adas_program, ada):
    ada.is_staff = False
    ada.save()
    assert problem(adas_program.post("/releases", WISH))["required_scope"] == "releases:write"
    assert adas_program.get("/releases").status_code == 200


def test_a_token_row_that_was_tampered_with_is_worth_no_more(acmes, acme):
    """The scope alone is not enough: who made the token is asked about at each use."""
    acmes.token.scopes = [StaffScope.RELEASES_WRITE]
    acmes.token.save()
    assert problem(acmes.post("/releases", WISH))["code"] == "missing_scope"


def test_a_member_of_staff_without_the_scope_imports_nothing(token_of, acme):
    person = member(acme, "sally@portal.example", Role.OWNER, "Sally Staff")
    person.is_staff = True
    person.save()
    assert problem(token_of(person, acme).post("/releases", WISH))["code"] == "missing_scope"
