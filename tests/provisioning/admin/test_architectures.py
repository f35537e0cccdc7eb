"""An admin moves an instance to a later architecture."""

import pytest

from portal.core.models import AuditEvent
from provisioning.engine.survey import Verdict
from provisioning.fleet.architectures import NEWEST
from provisioning.models import Survey
from tests.provisioning.admin.pages import do, page, text
from tests.provisioning.admin.surveying import finding, looked

pytestmark = pytest.mark.django_db


@pytest.fixture
def older(trial):
    """Acme's trial, running on the first architecture."""
    trial.status, trial.architecture = "running", "1.0"
    trial.save()
    return trial


def test_it_is_moved_for_a_reason(adas, older, ada):
    do(adas, older, "migrate", architecture="1.1", reason="Nobody outside.")
    operation = older.operations.get(kind="migrate-architecture")
    assert (operation.wanted["architecture"], operation.previous["architecture"]) == ("1.1", "1.0")
    event = AuditEvent.objects.get(action="operation.request")
    assert (event.actor_label, event.reason) == (ada.email, "Nobody outside.")


def test_the_plan_says_what_would_be_done(adas, older):
    adas.post(page(older, "planrequest", "migrate"), {"architecture": "1.1"}, headers={"HX-Request": "true"})
    survey = Survey.objects.get(purpose="plan")
    assert (survey.kind, survey.wanted["architecture"]) == ("migrate-architecture", "1.1")
    looked(survey, finding("nodes", Verdict.DIFFERS))
    assert "about 10 min" in text(adas, page(older, "plan", "migrate", survey.pk))


@pytest.mark.parametrize("number", ["1.0", "9.9"])
def test_what_did_not_come_from_its_own_is_not_offered(adas, older, number):
    answer = do(adas, older, "migrate", architecture=number, reason="Why not.")
    assert "only to what came from its own" in answer.content.decode()
    assert not older.operations.exists()


def test_there_is_nothing_to_do_on_the_newest_or_on_a_cluster_of_theirs(adas, older):
    address = page(older, "deed", "migrate")
    assert address in text(adas, page(older))
    older.architecture = NEWEST
    older.save()
    assert address not in text(adas, page(older))
