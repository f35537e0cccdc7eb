"""A program asks for a trial while there is no room."""

import pytest

from billing.models import TrialPolicy, TrialRequest
from billing.services.waiting_list import waiting_list_drain
from portal.core import clock
from provisioning.models import Instance
from tests.portal.api.calling import problem
from tests.portal.api.test_schema import check, served

pytestmark = pytest.mark.django_db
WISH = {"slug": "acme", "region": "europe-west3"}
PLACE = "/trials/waiting"


@pytest.fixture
def full(catalogue, workflows) -> None:
    TrialPolicy.objects.update(most_running=0)


def test_it_is_answered_with_its_place(acmes, full):
    response = acmes.post("/instances", WISH)
    assert response.status_code == 202
    body = response.json()
    assert body | {"requested_at": ""} == {"position": 1, "note": "", "requested_at": "", **WISH}
    assert response["Location"].endswith(f"/api/v1{PLACE}")
    assert acmes.get(response["Location"]).json() == body
    check(served(), response, "post", "/instances")
    check(served(), acmes.get(PLACE), "get", PLACE)
    assert not Instance.objects.exists()


def test_a_call_sent_again_with_its_key_is_not_done_again(acmes, full):
    first = acmes.post("/instances", WISH, key="one")
    again = acmes.post("/instances", WISH, key="one")
    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (202, first.json(), "true")
    assert TrialRequest.objects.count() == 1


def test_each_sees_their_own_place_alone(acmes, globexs, full):
    acmes.post("/instances", WISH)
    response = globexs.get(PLACE)
    assert (response.status_code, problem(response)["code"]) == (404, "not_found")
    check(served(), response, "get", PLACE)
    assert globexs.post("/instances", {**WISH, "slug": "globex"}).json()["position"] == 2


def test_what_has_started_is_found_among_instances(acmes, full):
    acmes.post("/instances", WISH)
    TrialPolicy.objects.update(most_running=1)
    waiting_list_drain()
    assert acmes.get(PLACE).status_code == 404
    assert [row["slug"] for row in acmes.get("/instances").json()["results"]] == ["acme"]


def test_a_company_that_has_had_its_trial_is_a_conflict(globexs, globex, started):
    Instance.objects.update(status="running", ready_at=clock.now())
    globex.email_domain = "acme.example"
    globex.save()
    globexs.token.organization.refresh_from_db()
    response = globexs.post("/instances", {**WISH, "slug": "globex"})
    assert (response.status_code, problem(response)["code"]) == (409, "conflict")
    assert "Somebody at acme.example has had a trial already" in problem(response)["detail"]
