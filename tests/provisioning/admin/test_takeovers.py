"""An admin has an instance come up in its other region, and gives it its standby again."""

from datetime import timedelta

import pytest

from portal.core import clock
from portal.core.models import AuditEvent, Mail
from provisioning.clients.google import breaker
from provisioning.clients.google.tally import tally
from provisioning.engine.survey import Verdict
from provisioning.models import Health, Instance, Survey
from provisioning.spec import FeatureSpec
from tests.provisioning.admin.pages import do, page, text
from tests.provisioning.admin.surveying import finding, looked

pytestmark = pytest.mark.django_db
WHY = "Google says that us-central1 is on fire."
ANSWERS = {"confirmation": "acme", "reason": WHY}
SECOND_HOME = FeatureSpec("second-home", parts=("standby",)).as_json()


@pytest.fixture
def protected(trial):
    Instance.objects.update(status="running", features=[SECOND_HOME])
    trial.refresh_from_db()
    return trial


@pytest.fixture
def moved(protected):
    Instance.objects.update(region="us-east1", lost_region="us-central1", takeovers=1)
    protected.refresh_from_db()
    return protected


@pytest.fixture
def outage():
    """Compute Engine fails for everyone, as workers have counted it: a region of many instances is lost."""
    now = clock.now().timestamp()
    tally().attempt(lambda client: client.hset(breaker.OPEN, "compute", f"{now - 60} {now + 60}"))
    yield
    tally().attempt(lambda client: client.delete(breaker.OPEN))


class TestWhileAServiceFailsForEveryone:
    def test_it_begins_at_once(self, adas, protected, outage):
        do(adas, protected, "takeover", **ANSWERS)
        assert protected.operations.get().status == "running"

    def test_nothing_else_does(self, adas, protected, outage):
        do(adas, protected, "repair", reason=WHY)
        assert protected.operations.get().status == "queued"


class TestTakingOver:
    def test_is_done_for_a_reason_and_its_people_are_told(self, adas, protected, ada, alice):
        do(adas, protected, "takeover", **ANSWERS)
        operation = protected.operations.get(kind="takeover")
        assert (operation.reason, operation.requested_by) == (WHY, ada)
        assert (operation.wanted["region"], operation.wanted["lost_region"]) == ("us-east1", "us-central1")
        event = AuditEvent.objects.get(action="operation.request")
        assert (event.actor_label, event.reason) == (ada.email, WHY)
        assert [mail.recipient for mail in Mail.objects.filter(kind="takeover-begun")] == [alice.email]

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [({"confirmation": "acne"}, "Type “acme” to confirm"), ({"reason": ""}, "This field is required")],
    )
    def test_wants_the_name_typed_and_a_reason(self, adas, protected, wrong, says):
        assert says in do(adas, protected, "takeover", **ANSWERS | wrong).content.decode()
        assert not protected.operations.exists()

    def test_says_before_how_old_the_copies_were_when_they_were_seen_last(self, adas, protected):
        assert "has never been seen" in text(adas, page(protected, "deed", "takeover"))
        seen = {"standby_lag_seconds": 42.0, "standby_seen_at": clock.now() - timedelta(minutes=12)}
        Health.objects.create(instance=protected, volumes_copied_at=clock.now() - timedelta(hours=2), **seen)
        shown = text(adas, page(protected, "deed", "takeover"))
        assert "42 s behind when they were seen last, 12 min" in shown
        assert "is lost, for everybody" in shown

    def test_shows_its_plan_before(self, adas, protected):
        adas.post(page(protected, "planrequest", "takeover"), headers={"HX-Request": "true"})
        survey = Survey.objects.get(purpose="plan")
        assert (survey.kind, survey.wanted["region"]) == ("takeover", "us-east1")
        shown = text(adas, page(protected, "plan", "takeover", looked(survey, finding("cluster", Verdict.MISSING)).pk))
        assert "cluster" in shown.lower()

    def test_is_not_offered_without_a_standby_nor_once_it_has_taken_over(self, adas, protected):
        address = page(protected, "deed", "takeover")
        assert address in text(adas, page(protected))
        Instance.objects.update(takeovers=1, lost_region="us-central1")
        assert address not in text(adas, page(protected))
        Instance.objects.update(lost_region="", features=[])
        assert address not in text(adas, page(protected))

    def test_customers_cannot(self, alices, protected):
        assert do(alices, protected, "takeover", **ANSWERS).status_code == 302
        assert not protected.operations.exists()


class TestSettingUpTheStandbyAgain:
    def test_is_a_change_of_features_with_the_region_back(self, adas, moved, ada):
        assert "it took over from us-central1" in text(adas, page(moved))
        do(adas, moved, "standby", confirmation="acme", reason="It is back.")
        operation = moved.operations.get()
        assert (operation.kind, operation.requested_by) == ("apply-features", ada)
        assert "lost_region" not in operation.wanted
        assert operation.previous["lost_region"] == "us-central1"

    def test_says_what_goes_and_wants_the_name_typed(self, adas, moved):
        assert "nothing is kept" in text(adas, page(moved, "deed", "standby"))
        answer = do(adas, moved, "standby", confirmation="acne", reason="It is back.")
        assert "Type “acme” to confirm" in answer.content.decode()
        assert not moved.operations.exists()

    def test_is_offered_only_where_a_region_is_lost(self, adas, protected):
        assert page(protected, "deed", "standby") not in text(adas, page(protected))
