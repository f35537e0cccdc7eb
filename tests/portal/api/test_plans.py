"""Plans and certificates: the same as on the pages."""

import hashlib
import json

import pytest

from portal.core.models import Scope
from provisioning.engine.survey import Verdict
from provisioning.models import Instance, Operation, Survey
from tests.portal.api.calling import problem
from tests.portal.web.watching import deleted
from tests.provisioning.admin.surveying import drift, finding, looked

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(acmes, started):
    """The plan of the deletion of acme's trial, just asked for."""
    return acmes.post(f"/instances/{started['id']}/plans", {"kind": "teardown"}).json()


def test_a_deletion_is_planned_and_followed(acmes, started):
    response = acmes.post(f"/instances/{started['id']}/plans", {"kind": "teardown"})
    body = response.json()
    assert response.status_code == 202
    assert response["Location"] == body["url"]
    assert (body["kind"], body["instance"], body["is_done"], body["looked"]) == ("teardown", started["id"], False, 0)
    looked(Survey.objects.get(), finding("ground", Verdict.MISSING))
    done = acmes.get(body["url"]).json()
    assert (done["is_done"], done["looked"]) == (True, done["total"])
    effects = {line["title"]: line["effect"] for line in done["lines"]}
    assert effects["The left"] == "keep"  # in the toy world a teardown makes
    assert Operation.objects.filter(kind="teardown").count() == 0


def test_what_could_not_be_looked_at_is_told_without_its_error(acmes, started, plan):
    looked(Survey.objects.get(), finding("left", Verdict.UNCLEAR, sentence="403 from billingAccounts/0X."))
    response = acmes.get(plan["url"])
    assert "billingAccounts" not in response.content.decode()
    assert "could not be looked at" in response.content.decode()


def test_no_plan_speaks_of_money(plan):
    assert not any("cents" in name for name in plan)


@pytest.mark.parametrize("kind", ["upgrade", "provision", "explode", None])
def test_only_what_a_customer_may_ask_for_is_planned(acmes, started, kind):
    response = acmes.post(f"/instances/{started['id']}/plans", {"kind": kind})
    assert (response.status_code, list(problem(response)["errors"])) == (422, ["kind"])
    assert not Survey.objects.exists()


def test_a_deleted_instance_is_not_planned(acmes, started):
    Instance.objects.update(status="deleted")
    response = acmes.post(f"/instances/{started['id']}/plans", {"kind": "teardown"})
    assert problem(response)["code"] == "conflict"


def test_a_plan_asked_for_twice_with_a_key_is_one(acmes, started):
    path = f"/instances/{started['id']}/plans"
    first, second = (acmes.post(path, {"kind": "teardown"}, key="one") for _ in range(2))
    assert second["Idempotency-Replayed"] == "true"
    assert first.json() == second.json()
    assert Survey.objects.count() == 1


def test_strangers_find_no_plan(globexs, started, plan):
    assert globexs.get(plan["url"]).status_code == 404
    assert globexs.post(f"/instances/{started['id']}/plans", {"kind": "teardown"}).status_code == 404


def test_a_drift_survey_is_no_plan(acmes, started):
    survey = drift(Instance.objects.get())
    assert acmes.get(f"/plans/{survey.pk}").status_code == 404


def test_reading_does_not_allow_to_ask(token_of, alice, acme, started, plan):
    reader = token_of(alice, acme, [Scope.INSTANCES_READ])
    response = reader.post(f"/instances/{started['id']}/plans", {"kind": "teardown"})
    assert problem(response)["required_scope"] == "instances:write"
    assert reader.get(plan["url"]).status_code == 200


def test_a_trial_is_planned_without_looking(acmes):
    body = acmes.get("/plans/trial").json()
    assert (body["kind"], body["is_done"]) == ("provision", True)
    assert body["expected_seconds"] > 0
    assert {"make", "check"} == {line["effect"] for line in body["lines"]}
    assert not Survey.objects.exists()


def test_a_plan_takes_a_constant_number_of_queries(acmes, plan, django_assert_num_queries):
    looked(Survey.objects.get())
    acmes.get(plan["url"])
    with django_assert_num_queries(4):  # the token, the plan with its instance, how long steps take, what sizes cost
        acmes.get(plan["url"])


def test_a_queued_operation_says_what_it_waits_for(acmes, started):
    Operation.objects.update(status="queued", waiting_for="a place among those that run", started_at=None)
    assert acmes.get(started["operation"]["url"]).json()["waiting_for"] == "a place among those that run"
    listed = acmes.get(f"/instances/{started['id']}/operations").json()["results"]
    assert listed[0]["waiting_for"] == "a place among those that run"


@pytest.fixture
def gone(trial, by_alice):
    """Acme's trial, deleted with its certificate."""
    deleted(trial, by_alice)
    return trial


def test_a_certificate_has_each_object_and_how_its_absence_was_confirmed(acmes, gone):
    body = acmes.get(f"/instances/{gone.pk}/certificate").json()
    certificate = gone.certificates.get()
    assert (body["id"], body["digest"], body["lines"]) == (certificate.pk, certificate.digest, certificate.lines)
    assert (body["slug"], body["domain"], body["instance"]) == (gone.slug, gone.domain, gone.pk)


def test_a_certificate_can_be_checked(acmes, gone):
    body = acmes.get(f"/instances/{gone.pk}/certificate").json()
    says = {name: value for name, value in body.items() if name not in {"id", "digest"}}
    canonical = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(canonical.encode()).hexdigest() == body["digest"]


def test_there_is_no_certificate_of_what_lives_nor_for_strangers(acmes, globexs, trial):
    assert problem(acmes.get(f"/instances/{trial.pk}/certificate"))["detail"].startswith("There is no certificate")
    assert globexs.get(f"/instances/{trial.pk}/certificate").status_code == 404
