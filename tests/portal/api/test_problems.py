"""Whatever goes wrong, the answer is a problem: never a page, never a traceback."""

import pytest

from portal.api.problems import KINDS
from provisioning import selectors
from tests.portal.api.calling import Caller, problem

pytestmark = pytest.mark.django_db
LONG = "x" * 10_000


@pytest.mark.parametrize("path", ["/nothing", "/instances/", "/instances/src-1/nothing", "/names/a/b"])
@pytest.mark.parametrize("method", ["get", "post", "put", "options"])
def test_an_unknown_address_is_a_problem(path, method):
    assert problem(Caller().send(method, path))["code"] == "not_found"


@pytest.mark.parametrize("content", ["{", "nonsense", '{"slug": }', "\xff"])
def test_malformed_json_is_a_400(acmes, content):
    response = acmes.send("post", "/instances", content)
    assert response.status_code == 400
    assert problem(response)["code"] == "malformed"


@pytest.mark.parametrize("content", ["[]", "null", '"acme"', "1"])
def test_json_that_is_no_object_is_invalid(acmes, content):
    response = acmes.send("post", "/instances", content)
    assert response.status_code == 422
    assert problem(response)["errors"]


def test_errors_are_told_by_field(acmes):
    body = problem(acmes.post("/instances", {"region": "moon", "sluug": "acme"}))
    assert body["code"] == "invalid"
    assert body["errors"] == {"sluug": ["There is no such field."]}
    body = problem(acmes.post("/instances", {"region": "moon"}))
    assert set(body["errors"]) == {"slug", "region"}


@pytest.mark.parametrize("slug", ["admin", "a", "Ac me", "\u0000", "\ud800", LONG, "ac--me"])
def test_a_name_that_cannot_be_had_is_a_sentence_for_its_field(acmes, workflows, slug):
    body = problem(acmes.post("/instances", {"slug": slug, "region": "us-central1"}))
    assert body["status"] == 422
    assert body["errors"]["slug"][0].endswith(".")


def test_only_json_is_read(acmes):
    response = acmes.send("post", "/instances", "slug=acme", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, problem(response)["code"]) == (415, "unsupported_media_type")


def test_only_json_is_spoken(acmes):
    response = acmes.send("get", "/instances", headers={"Accept": "text/html"})
    assert (response.status_code, problem(response)["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_named_in_allow(acmes, method):
    response = acmes.send(method, "/instances")
    assert (response.status_code, problem(response)["code"]) == (405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD, POST"


def test_a_cursor_that_is_not_ours_is_a_400(acmes):
    response = acmes.get("/instances", cursor="nonsense")
    assert (response.status_code, problem(response)["code"]) == (400, "malformed")


def test_an_unknown_filter_value_is_told_by_field(acmes):
    assert "status" in problem(acmes.get("/instances", status="melting"))["errors"]


def test_what_nobody_foresaw_tells_nothing_of_the_inside(acmes, trial, monkeypatch):
    def broken(*_args):
        raise RuntimeError("secret inside")

    monkeypatch.setattr("portal.api.views.instances.instance_for", broken)
    acmes.client.raise_request_exception = False
    response = acmes.get(f"/instances/{trial.pk}")
    assert (response.status_code, problem(response)["code"]) == (500, "internal")
    assert "secret" not in response.content.decode()
    assert selectors.instance_for is not broken


@pytest.mark.parametrize("code", sorted(KINDS))
def test_each_kind_of_problem_explains_itself_at_its_type(code):
    response = Caller().get(KINDS[code].type)
    assert response.status_code == 200
    assert response.json()["status"] == KINDS[code].status


def test_an_unknown_kind_of_problem_is_a_problem_too():
    assert problem(Caller().get("/problems/melted"))["status"] == 404
