"""What a survey's looks amount to: objects, time, downtime, money."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core import clock as time
from portal.core.errors import NotFound
from provisioning.engine.action import Change, Differs, Missing, Refused, UnderWay, minutes
from provisioning.engine.graph import Goal
from provisioning.models import Instance, InstanceStatus, Size
from provisioning.selectors import Plan, plan_for_new, plan_of, survey_for
from provisioning.services import operation_request, plan_request
from provisioning.services.surveys import claim_due, go_on, plan_unsaved, surveys_go_on
from provisioning.spec import SizeSpec, spec_of
from tests.provisioning.driving import work_once
from tests.provisioning.engine.world import registered
from tests.provisioning.services.conftest import clock
from tests.provisioning.sights import Sights, house, kind

__all__ = ["clock"]


@pytest.fixture
def sights():
    sights = Sights()
    present, absent = house(sights), house(sights, Goal.ABSENT)
    with registered(kind("provision", present), kind("resize", present), kind("teardown", absent)):
        yield sights


@pytest.fixture
def running(sights, trial, clock) -> Instance:
    Instance.objects.filter(pk=trial.pk).update(status=InstanceStatus.RUNNING)
    return Instance.objects.get(pk=trial.pk)


@pytest.fixture
def plan(running, by_alice):
    def plan(name: str = "resize", **asked) -> Plan:
        survey = plan_request(instance=running, kind=name, actor=by_alice, **asked)
        surveys_go_on(3600)
        survey.refresh_from_db()
        return plan_of(survey)

    return plan


def effects(plan: Plan) -> list[str]:
    return [line.effect.value for line in plan.lines]


def test_what_stands_is_kept_and_watchers_check(plan):
    told = plan()
    assert effects(told) == ["keep", "keep", "keep", "keep", "check"]
    assert (told.looked, told.total, told.is_done) == (5, 5, True)
    assert (told.expected_seconds, told.downtime_seconds) == (0, 0)


def test_it_lists_what_is_made_and_changed_with_the_settings(plan, sights, running):
    change = Change("settings.tier", "db-custom-2-7680", "db-custom-1-4096")
    sights.says |= {"left": Missing(), "right": Differs.in_settings([change]), "smoke": UnderWay("smoke")}
    told = plan()
    assert effects(told) == ["keep", "make", "change", "keep", "check"]
    assert [line.resource for line in told.made] == [f"toy/{running.pk}/left"]
    assert [line.changes for line in told.changed] == [(change,)]
    assert told.removed == []


def test_time_is_the_longest_path_through_what_has_work_and_who_watches_it(plan, sights):
    sights.says |= {"left": Missing(), "right": Missing()}
    assert plan().expected_seconds == 120, "left and right side by side, then the watcher"


def test_downtime_is_what_the_steps_with_work_interrupt(plan, sights):
    sights.says |= {"left": Missing()}
    assert plan().downtime_seconds == 0
    sights.says |= {"right": Missing()}
    assert plan().downtime_seconds == 120


def test_what_is_built_on_something_missing_is_made_and_what_follows_a_change_is_checked(plan, sights):
    sights.says |= {"ground": Missing(), "roof": Refused("No ground.", "Retry.")}
    assert effects(plan()) == ["make", "keep", "keep", "make", "check"]
    sights.says |= {"ground": Differs("it is uneven")}
    assert effects(plan()) == ["change", "keep", "keep", "check", "check"]


def test_what_could_not_be_looked_at_is_unclear(plan, sights):
    sights.says |= {"left": Refused("It is not ours.", "Find out whose it is.")}
    told = plan()
    assert effects(told) == ["keep", "unclear", "keep", "keep", "check"]
    assert told.lines[1].sentence == "It is not ours. Find out whose it is."


def test_a_teardown_removes_what_is_there_for_good(plan, sights, running):
    sights.says |= {"left": Missing("it is not listed")}
    told = plan("teardown")
    assert effects(told) == ["remove", "gone", "remove", "remove", "check"]
    assert told.downtime_seconds is None
    assert (told.cents_before, told.cents_after) == (running.size.infrastructure_cents, 0)
    assert told.cents_difference == -running.size.infrastructure_cents


def test_money_is_the_difference_of_the_sizes(plan, running):
    bigger = Size.objects.get(pk="m")
    told = plan(wanted=replace(spec_of(running), size=SizeSpec.of(bigger)))
    assert (told.cents_before, told.cents_after) == (running.size.infrastructure_cents, bigger.infrastructure_cents)


def test_a_cluster_of_their_own_costs_us_nothing(running):
    running.tenancy = "byok"
    told = plan_of(plan_unsaved(instance=running, kind="teardown"))
    assert (told.cents_before, told.cents_after) == (0, 0)


def test_times_are_learnt_from_runs_that_had_work(plan, sights, running, by_alice, clock):
    sights.says |= {"left": Missing()}
    operation = operation_request(instance=running, kind="resize", actor=by_alice)
    work_once()
    operation.steps.filter(name="left").update(started_at=time.now() - minutes(5), finished_at=time.now())
    operation_request(instance=running, kind="resize", actor=by_alice)
    work_once()
    sights.says |= {"left": Missing()}
    clock.shift(timedelta(hours=1))
    assert plan().expected_seconds == 300 + 60


def test_it_is_told_as_far_as_it_has_been_looked_at(running, by_alice):
    survey = plan_request(instance=running, kind="resize", actor=by_alice)
    assert (plan_of(survey).looked, plan_of(survey).is_done) == (0, False)
    claim = claim_due()
    assert claim is not None
    go_on(claim, for_seconds=0)
    survey.refresh_from_db()
    assert (plan_of(survey).looked, plan_of(survey).total, plan_of(survey).is_done) == (1, 5, False)


def test_it_takes_two_queries(running, by_alice, acme, django_assert_num_queries):
    survey = plan_request(instance=running, kind="resize", actor=by_alice)
    surveys_go_on(3600)
    survey = survey_for(acme, survey.pk)
    with django_assert_num_queries(2):
        plan_of(survey)


def test_a_new_instance_is_planned_without_a_look(sights, catalogue, django_assert_num_queries):
    size = Size.objects.get(pk="xs")
    with django_assert_num_queries(1):
        told = plan_for_new(size=size, tenancy="dedicated")
    assert effects(told) == ["make", "make", "make", "make", "check"]
    assert (told.is_done, told.expected_seconds, told.downtime_seconds) == (True, 240, 0)
    assert (told.cents_before, told.cents_after) == (0, size.infrastructure_cents)
    assert sights.looks == []


def test_a_stranger_finds_no_survey(running, by_alice, acme, globex):
    survey = plan_request(instance=running, kind="resize", actor=by_alice)
    assert survey_for(acme, survey.pk) == survey
    with pytest.raises(NotFound):
        survey_for(globex, survey.pk)


@pytest.mark.parametrize("tenancy", ["dedicated", "byok"])
def test_of_the_real_provisioning_only_what_watches_is_not_made(catalogue, tenancy):
    told = plan_for_new(size=Size.objects.get(pk="xs"), tenancy=tenancy)
    watched = {line.title for line in told.lines if line not in told.made}
    assert {"Start of the application", "Health check from outside"} <= watched
    assert {"Application", "Kubernetes namespace"} <= {line.title for line in told.made}
    assert told.cents_after == (0 if tenancy == "byok" else Size.objects.get(pk="xs").infrastructure_cents)
