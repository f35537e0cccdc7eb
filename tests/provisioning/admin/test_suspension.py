"""An admin switches an instance off, and on again."""

import pytest

from portal.core.models import AuditEvent
from provisioning.engine.survey import Verdict
from provisioning.models import Cluster, Instance, Survey
from tests.conftest import SUSPENDED
from tests.provisioning.admin.pages import do, page, text
from tests.provisioning.admin.surveying import finding, looked

pytestmark = pytest.mark.django_db
WHY = "Their trial is over, and they are silent."
ANSWERS = {"notice": "trial-ended", "confirmation": "acme", "reason": WHY}


@pytest.fixture
def awake(trial):
    Instance.objects.update(status="running")
    trial.refresh_from_db()
    return trial


@pytest.fixture
def asleep(trial):
    Instance.objects.update(**SUSPENDED)
    trial.refresh_from_db()
    return trial


class TestSuspending:
    def test_is_done_for_a_reason_and_with_a_notice(self, adas, awake, ada):
        do(adas, awake, "suspend", **ANSWERS)
        operation = awake.operations.get(kind="suspend")
        assert (operation.inputs, operation.reason, operation.requested_by) == ({"notice": "trial-ended"}, WHY, ada)
        event = AuditEvent.objects.get(action="operation.request")
        assert (event.actor_label, event.reason) == (ada.email, WHY)

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"confirmation": "acne"}, "Type “acme” to confirm"),
            ({"reason": ""}, "This field is required"),
            ({"notice": ""}, "This field is required"),
            ({"notice": "spite"}, "is not one of the available choices"),
        ],
    )
    def test_wants_the_name_typed_a_reason_and_what_people_are_told(self, adas, awake, wrong, says):
        assert says in do(adas, awake, "suspend", **ANSWERS | wrong).content.decode()
        assert not awake.operations.exists()

    def test_shows_its_plan_before(self, adas, awake):
        assert 'hx-trigger="load"' in text(adas, page(awake, "deed", "suspend"))
        adas.post(page(awake, "planrequest", "suspend"), headers={"HX-Request": "true"})
        survey = Survey.objects.get(purpose="plan")
        assert (survey.kind, survey.wanted["is_suspended"]) == ("suspend", True)
        shown = text(adas, page(awake, "plan", "suspend", looked(survey, finding("nodes", Verdict.DIFFERS)).pk))
        assert "until it is resumed" in shown
        assert "USD a month while it runs; less while it is suspended" in shown

    def test_is_not_offered_for_what_is_not_ours_or_does_not_run(self, adas, awake):
        address = page(awake, "deed", "suspend")
        assert address in text(adas, page(awake))
        Instance.objects.update(status="pending")
        assert address not in text(adas, page(awake))
        theirs = {"organization": awake.organization, "name": "theirs", "kubeconfig_encrypted": b""}
        cluster = Cluster.objects.create(**theirs, created_by=awake.created_by)
        Instance.objects.update(status="running", tenancy="byok", cluster=cluster)
        assert address not in text(adas, page(awake))

    def test_customers_cannot(self, alices, awake):
        assert do(alices, awake, "suspend", **ANSWERS).status_code == 302
        assert not awake.operations.exists()


class TestResuming:
    def test_is_done_for_a_reason(self, adas, asleep, ada):
        do(adas, asleep, "resume", reason="They have paid.")
        assert asleep.operations.get(kind="resume").requested_by == ada

    def test_shows_its_plan_before(self, adas, asleep):
        adas.post(page(asleep, "planrequest", "resume"), headers={"HX-Request": "true"})
        survey = Survey.objects.get(purpose="plan")
        assert "is_suspended" not in survey.wanted
        assert survey.previous["is_suspended"]

    def test_is_offered_while_it_is_suspended_and_left_alone(self, adas, asleep):
        assert page(asleep, "deed", "resume") in text(adas, page(asleep))
        do(adas, asleep, "resume", reason="They have paid.")
        assert page(asleep, "deed", "resume") not in text(adas, page(asleep))


def test_a_suspended_instance_shows_since_when_and_why_and_can_be_looked_at_or_torn_down(adas, asleep):
    shown = text(adas, page(asleep))
    assert "because its trial has ended" in shown
    offered = {deed for deed in ("upgrade", "resize", "repair", "suspend", "check", "teardown") if
               page(asleep, "deed", deed) in shown}  # fmt: skip
    assert offered == {"check", "teardown"}
