"""Plans and drift checks: asked for, looked at a few nodes at a time, never lost, never written twice."""

from datetime import timedelta
from typing import Any

import pytest

from portal.core import clock as time
from portal.core.errors import Conflict, Invalid
from provisioning import selectors
from provisioning.engine.action import Change, Differs, Missing, NotYet, seconds
from provisioning.engine.graph import Goal
from provisioning.models import Instance, InstanceStatus, Leak, OperationStatus, Survey
from provisioning.services import drift_check_request, operation_request, plan_request, surveys
from provisioning.services.surveys import Claim, claim_due, drift_checks_spread, go_on, surveys_forget, surveys_go_on
from provisioning.spec import InstanceSpec, spec_of
from tests.conftest import SUSPENDED
from tests.provisioning.driving import work_once
from tests.provisioning.engine.world import registered
from tests.provisioning.sights import Sights, house, kind

pytestmark = pytest.mark.usefixtures("clock")
EVERYTHING = 3600


@pytest.fixture
def sights():
    """`provision` and `repair` look at the house, `teardown` at its absence."""
    sights = Sights()
    with registered(
        kind("provision", house(sights)), kind("repair", house(sights)), kind("teardown", house(sights, Goal.ABSENT))
    ):
        yield sights


@pytest.fixture
def running(sights, trial) -> Instance:
    Instance.objects.filter(pk=trial.pk).update(status=InstanceStatus.RUNNING)
    return Instance.objects.get(pk=trial.pk)


@pytest.fixture
def calls(monkeypatch, django_capture_on_commit_callbacks):
    """The wake-up calls that were sent, and no broker."""
    sent: list[str] = []
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda _app, name, **_options: sent.append(name))
    return sent


def look_through(survey: Survey, clock=None) -> Survey:
    for _ in range(50):
        surveys_go_on(EVERYTHING)
        survey.refresh_from_db()
        if survey.status == "done":
            return survey
        if clock:
            clock.move_to(survey.due_at)
    raise AssertionError(f"no end: {survey.findings}")


def claimed() -> Claim:
    """Somebody holds the most urgent survey."""
    claim = claim_due()
    assert claim is not None, "nothing is due"
    return claim


def glance() -> bool:
    """One look is taken."""
    return go_on(claimed(), for_seconds=0)


def drift_of(instance: Instance) -> Any:
    """Its drift survey, which there is."""
    return selectors.drift_of(instance)


def test_a_plan_is_asked_for_and_looked_at_later(running, sights, by_alice):
    survey = plan_request(instance=running, kind="provision", actor=by_alice)
    assert sights.looks == [], "nothing is looked at on the request"
    assert look_through(survey).requested_by == by_alice.user
    assert len(survey.findings) == 5
    assert survey.finished_at is not None


def test_somebody_who_asks_is_not_kept_waiting_for_the_beat(
    running, by_alice, calls, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        plan_request(instance=running, kind="provision", actor=by_alice)
    assert calls == ["provisioning.tasks.look"]


def test_asked_twice_while_it_is_looked_at_it_is_the_same_plan(running, by_alice):
    first = plan_request(instance=running, kind="provision", actor=by_alice)
    assert plan_request(instance=running, kind="provision", actor=by_alice) == first
    look_through(first)
    assert plan_request(instance=running, kind="provision", actor=by_alice) != first


def test_it_refuses_a_plan_of_an_unknown_kind_or_for_what_is_deleted(running, by_alice):
    with pytest.raises(Invalid, match="“paint” is no kind"):
        plan_request(instance=running, kind="paint", actor=by_alice)
    running.status = InstanceStatus.DELETED
    with pytest.raises(Conflict, match="deleted already"):
        plan_request(instance=running, kind="provision", actor=by_alice)


def test_a_few_nodes_are_looked_at_in_each_claim(running, sights, by_alice):
    survey = plan_request(instance=running, kind="provision", actor=by_alice)
    for number in range(1, 5):
        assert glance()
        survey.refresh_from_db()
        assert (len(survey.findings), survey.status) == (number, "running")
    glance()
    survey.refresh_from_db()
    assert (len(survey.findings), survey.status) == (5, "done")
    assert len(sights.looks) == 5


def test_a_killed_worker_loses_nothing(running, sights, by_alice, clock, settings):
    survey = plan_request(instance=running, kind="provision", actor=by_alice)
    glance()
    assert claim_due() is not None, "somebody claims it, and dies"
    assert claim_due() is None
    clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
    look_through(survey)
    assert sights.looked_at.count("ground") == 1


def test_a_worker_that_lost_its_lease_writes_nothing(running, sights, by_alice, clock, settings):
    survey = plan_request(instance=running, kind="provision", actor=by_alice)
    late = claimed()
    clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
    glance()
    assert not go_on(late, EVERYTHING)
    survey.refresh_from_db()
    assert len(survey.findings) == 1


def test_a_look_that_must_wait_is_due_again_when_it_says(running, sights, by_alice, clock, settings):
    settings.ENGINE_PACE = 0.5
    sights.once["ground"] = [NotYet("the quota", seconds(8))]
    survey = plan_request(instance=running, kind="provision", actor=by_alice)
    surveys_go_on(EVERYTHING)
    survey.refresh_from_db()
    assert survey.due_at == time.now() + timedelta(seconds=4)
    assert look_through(survey, clock).unclear == 0


def test_a_broken_survey_does_not_stop_the_others(running, sights, by_alice, by_ada, acme):
    broken = plan_request(instance=running, kind="provision", actor=by_alice)
    Survey.objects.filter(pk=broken.pk).update(findings=[{"nonsense": True}])
    whole = plan_request(instance=running, kind="teardown", actor=by_ada)
    assert surveys_go_on(EVERYTHING) == 2
    whole.refresh_from_db()
    assert whole.status == "done"
    broken.refresh_from_db()
    assert broken.due_at
    assert broken.due_at > time.now(), "it is tried again at its lease's end"


def test_what_a_person_waits_for_goes_before_the_fleets_checks(running, by_alice):
    drift = drift_check_request(instance=running)
    Survey.objects.filter(pk=drift.pk).update(due_at=time.now() - timedelta(hours=3))
    plan = plan_request(instance=running, kind="provision", actor=by_alice)
    assert claimed().survey.pk == plan.pk


def test_waking_costs_one_query_when_nothing_is_due(running, calls, django_assert_num_queries):
    drift_checks_spread()
    with django_assert_num_queries(1):
        assert surveys.surveys_wake() == 0
    assert calls == []


def test_plans_are_forgotten_after_a_day_and_drift_is_not(running, by_alice, clock):
    plan_request(instance=running, kind="provision", actor=by_alice)
    drift = drift_check_request(instance=running)
    clock.shift(timedelta(hours=25))
    assert surveys_forget() == 1
    assert list(Survey.objects.all()) == [drift]


def test_drift_is_counted_with_the_exact_change_and_settles_when_it_is_mended(running, sights, by_ada, clock):
    change = Change("settings.tier", "db-custom-2-7680", "db-custom-1-4096")
    sights.says |= {"left": Missing(), "right": Differs.in_settings([change])}
    survey = look_through(drift_check_request(instance=running, actor=by_ada), clock)
    assert (survey.differing, survey.unclear) == (2, 0)
    assert [drift.pk for drift in selectors.drifted()] == [survey.pk]
    right = next(finding for finding in selectors.findings_of(survey) if finding.step == "right")
    assert right.changes == (change,)

    sights.says.clear()
    again = drift_check_request(instance=running, actor=by_ada)
    assert again == survey, "an instance has one drift survey, renewed"
    assert again.differing == 2, "what the last complete round found stands until this one is complete"
    assert look_through(again).differing == 0
    assert not selectors.drifted().exists()


def test_drift_is_measured_against_the_spec_as_it_is_when_the_round_begins(running, sights, clock):
    drift_checks_spread()
    Instance.objects.filter(pk=running.pk).update(architecture="1.0")
    survey = drift_of(running)
    clock.move_to(survey.due_at)
    running.refresh_from_db()
    assert InstanceSpec.from_json(look_through(survey).wanted) == spec_of(running)


def test_a_check_asked_for_while_one_is_under_way_is_harmless(running, by_ada):
    survey = drift_check_request(instance=running, actor=by_ada)
    glance()
    drift_check_request(instance=running, actor=by_ada)
    survey.refresh_from_db()
    assert len(survey.findings) == 1
    assert selectors.is_under_way(survey)


def test_drift_is_looked_for_only_in_what_runs(trial, sights):
    with pytest.raises(Conflict, match="pending"):
        drift_check_request(instance=trial)


def test_an_instance_that_is_being_changed_is_checked_later(running, sights, by_ada, clock):
    survey = drift_check_request(instance=running, actor=by_ada)
    operation = operation_request(instance=running, kind="provision", actor=by_ada)
    surveys_go_on(EVERYTHING)
    survey.refresh_from_db()
    assert (survey.due_at, survey.findings) == (time.now() + timedelta(minutes=10), [])
    work_once()
    operation.refresh_from_db()
    assert operation.status == OperationStatus.SUCCEEDED
    clock.shift(timedelta(minutes=10))
    assert len(look_through(survey).findings) == 5


def test_what_was_seen_before_a_change_does_not_count_after_it(running, sights, by_ada, clock):
    survey = drift_check_request(instance=running, actor=by_ada)
    glance()
    clock.shift(timedelta(seconds=1))
    operation_request(instance=running, kind="provision", actor=by_ada)
    work_once()
    surveys_go_on(EVERYTHING)
    survey.refresh_from_db()
    assert survey.due_at == time.now() + timedelta(minutes=10)
    sights.looks.clear()
    clock.shift(timedelta(minutes=10))
    look_through(survey)
    assert "ground" in sights.looked_at


def test_the_drift_of_an_instance_that_no_longer_runs_is_forgotten(running, sights):
    survey = drift_check_request(instance=running)
    Instance.objects.filter(pk=running.pk).update(status=InstanceStatus.DELETED)
    surveys_go_on(EVERYTHING)
    assert not Survey.objects.filter(pk=survey.pk).exists()
    assert sights.looks == []


def test_a_suspended_instance_is_compared_with_its_suspension(running, sights):
    Instance.objects.filter(pk=running.pk).update(**SUSPENDED)
    running.refresh_from_db()
    survey = look_through(drift_check_request(instance=running))
    assert survey.wanted["is_suspended"]
    assert "ground" in sights.looked_at


def test_the_fleets_checks_are_spread_over_the_day_by_one_statement(running, ada, clock, django_assert_num_queries):
    fleet = [
        Instance(
            organization=running.organization, slug=f"fleet-{number}", domain=f"{number}.example", kind="internal",
            size=running.size, release=running.release, status="running", admin_email=ada.email, created_by=ada,
        )
        for number in range(200)
    ]  # fmt: skip
    Instance.objects.bulk_create(fleet)
    Instance.objects.filter(slug="fleet-0").update(**SUSPENDED)
    Instance.objects.filter(slug="fleet-1").update(status="pending")
    with django_assert_num_queries(1):
        drift_checks_spread()
    due: dict[str, Any] = dict(Survey.objects.values_list("instance_id", "due_at"))
    assert len(due) == 200, "all that stand, switched on or not"
    waits = [at - time.now() for at in due.values()]
    assert timedelta(0) < min(waits)
    assert max(waits) <= timedelta(days=1)
    assert len({wait // timedelta(hours=2) for wait in waits} - {12}) == 12, "some in every two hours"

    clock.shift(timedelta(hours=1))
    drift_checks_spread()
    assert dict(Survey.objects.values_list("instance_id", "due_at")) == due, "again changes nothing"

    look_through_once(running, clock)
    drift_checks_spread()
    assert drift_of(running).due_at == due[running.pk] + timedelta(days=1), "its own time of day"


def look_through_once(instance: Instance, clock) -> None:
    survey = drift_of(instance)
    Survey.objects.exclude(pk=survey.pk).delete()
    clock.move_to(max(survey.due_at, time.now()))
    look_through(survey)


def test_what_a_check_finds_missing_is_a_leak_until_it_is_there_again(running, sights, clock):
    sights.says |= {"left": Missing(), "smoke": Missing()}
    survey = look_through(drift_check_request(instance=running))
    (leak,) = selectors.open_leaks()
    assert (leak.kind, leak.resource, leak.instance_id) == ("gone", f"toy/{running.pk}/left", running.pk)

    clock.shift(timedelta(days=1))
    look_through(drift_check_request(instance=running))
    leak.refresh_from_db()
    assert (leak.last_seen_at, leak.resolved_at) == (time.now(), None)
    sights.says.clear()
    look_through(drift_check_request(instance=running))
    leak.refresh_from_db()
    assert leak.resolved_at == time.now()
    assert Leak.objects.count() == 1
    assert survey.differing == 2
