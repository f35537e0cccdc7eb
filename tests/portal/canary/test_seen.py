"""When it runs, where, and what is seen of it: page, metrics, alerts, command."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse

from portal.canary.models import CanaryRun, State
from portal.canary.selectors import canary_figures, times_to_ready
from portal.canary.services import canary_begin, canary_begin_due
from portal.core import clock
from portal.core.errors import Conflict
from portal.core.models import AuditEvent
from provisioning.health.measures import measured
from provisioning.models import Region

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def noon():
    with time_machine.travel("2026-12-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def every_four_hours(canary, noon, settings):
    settings.CANARY_EVERY_HOURS = 4.0


class TestWhenItRuns:
    def test_it_begins_by_itself_when_its_time_has_come(self, every_four_hours, ended):
        ended(clock.now() - 3 * HOUR)
        assert canary_begin_due() is None
        CanaryRun.objects.update(began_at=clock.now() - 4 * HOUR)
        assert canary_begin_due() is not None
        assert canary_begin_due() is None

    def test_the_first_begins_at_once(self, every_four_hours):
        assert canary_begin_due() is not None

    def test_it_does_not_begin_while_something_is_left_of_the_last(self, every_four_hours, ended):
        ended(clock.now() - 9 * HOUR, cleaned_at=None)
        assert canary_begin_due() is None

    def test_it_begins_only_when_asked_where_it_has_no_hours(self, canary, settings):
        assert canary_begin_due() is None
        assert canary_begin().state == State.RUNNING

    def test_without_a_domain_it_never_runs(self, db, settings):
        settings.CANARY_EMAIL_DOMAIN, settings.CANARY_EVERY_HOURS = "", 4.0
        assert canary_begin_due() is None
        with pytest.raises(Conflict, match="switched off"):
            canary_begin()
        with pytest.raises(CommandError, match="switched off"):
            call_command("canary")

    def test_the_regions_come_in_turn(self, canary, ended):
        found = []
        for number in range(len(Region) + 1):
            run = canary_begin()
            found.append(run.region)
            at = clock.now() + timedelta(seconds=number)
            CanaryRun.objects.filter(pk=run.pk).update(state=State.SUCCEEDED, began_at=at, ended_at=at, cleaned_at=at)
        assert found == [*Region.values, Region.values[0]]


class TestAlerts:
    def test_it_alerts_from_a_failure_until_a_success(self, canary, noon, ended):
        ended(clock.now() - 3 * HOUR, State.FAILED)
        [found] = measured("canary-failed", 1, clock.now()).values()
        assert "Opens it: It did not answer." in found.sentence
        ended(clock.now() - HOUR)
        assert not measured("canary-failed", 1, clock.now())

    def test_it_alerts_only_after_as_many_failures_as_the_rule_says(self, canary, noon, ended):
        ended(clock.now() - 3 * HOUR, State.FAILED)
        assert not measured("canary-failed", 2, clock.now())
        ended(clock.now() - 2 * HOUR, State.FAILED)
        assert measured("canary-failed", 2, clock.now())

    def test_switched_off_it_alerts_nobody(self, canary, ended, settings):
        ended(clock.now(), State.FAILED)
        settings.CANARY_EMAIL_DOMAIN = ""
        assert not measured("canary-failed", 1, clock.now())

    def test_what_was_left_behind_alerts_after_a_while(self, canary, noon, ended):
        run = ended(clock.now() - 2 * HOUR, State.FAILED, cleaned_at=None, left="x is being deleted.")
        assert not measured("canary-left-behind", 7_200, clock.now())
        CanaryRun.objects.update(ended_at=clock.now() - 2 * HOUR)
        [(subject, found)] = measured("canary-left-behind", 7_200, clock.now()).items()
        assert subject == f"canary-{run.pk}"
        assert "x is being deleted." in found.sentence


class TestFigures:
    def test_before_the_first_run_nothing_is_known(self, canary):
        figures = canary_figures()
        assert (figures.result, figures.stage_seconds, figures.success_age_seconds) == ({}, {}, {})
        assert figures.left_behind == 0

    def test_nobody_waits_for_a_success_where_none_is_tried(self, canary, ended, settings):
        ended(clock.now() - HOUR)
        assert not canary_figures().success_age_seconds
        settings.CANARY_EVERY_HOURS, settings.CANARY_EMAIL_DOMAIN = 4.0, ""
        assert not canary_figures().success_age_seconds

    def test_they_are_of_the_last_run_and_the_last_success(self, every_four_hours, ended):
        ended(clock.now() - 5 * HOUR)
        ended(clock.now() - HOUR, State.FAILED, cleaned_at=None)
        figures = canary_figures()
        assert figures.result == {(): 0}
        assert figures.stage_seconds == {("ready", "succeeded"): 1_200}
        assert figures.success_age_seconds == {(): 4.5 * 3_600}
        assert figures.left_behind == 1

    def test_where_none_ever_got_through_the_age_counts_from_the_first(self, every_four_hours, ended):
        ended(clock.now() - 5 * HOUR, State.FAILED)
        assert canary_figures().success_age_seconds == {(): 5 * 3_600}

    def test_times_to_ready_are_told_from_the_oldest_on(self, canary, noon, ended):
        first, second = ended(clock.now() - 9 * HOUR), ended(clock.now() - 5 * HOUR, State.FAILED)
        second.stages.all().delete()
        assert [(each.run, each.seconds) for each in times_to_ready()] == [(first, 1_200), (second, None)]


@pytest.fixture
def adas(client, ada):
    client.force_login(ada)
    return client


def listing() -> str:
    return reverse("admin:canary_canaryrun_changelist")


class TestThePage:
    def test_it_lists_runs_with_a_plot_and_what_was_wrong(self, adas, canary, ended):
        ended(clock.now() - 5 * HOUR)
        ended(clock.now() - HOUR, State.FAILED)
        shown = adas.get(listing()).content.decode()
        assert "Opens it: It did not answer." in shown
        assert "20 min 0 s to 20 min 0 s, 20 min 0 s in the middle" in shown
        assert shown.count('<rect class="slo-bad"') == 1

    def test_a_run_has_its_stages_and_leads_to_its_instance(self, adas, canary, ended, trial):
        run = ended(clock.now() - HOUR, slug=trial.slug)
        shown = adas.get(reverse("admin:canary_canaryrun_change", args=[run.pk])).content.decode()
        assert "Waits until it runs" in shown
        assert "20 min" in shown
        assert reverse("admin:provisioning_instance_change", args=[trial.pk]) in shown

    def test_one_more_is_run_with_a_reason_that_is_kept(self, adas, ada, canary):
        deed = reverse("admin:canary_canaryrun_listdeed", args=["run"])
        assert adas.post(deed, {"reason": ""}).status_code == 200
        assert not CanaryRun.objects.exists()
        assert adas.post(deed, {"reason": "after the deploy"}).status_code == 302
        assert CanaryRun.objects.get().asked_by == ada
        assert AuditEvent.objects.get(action="canary.begin").reason == "after the deploy"

    def test_switched_off_it_says_so_and_refuses(self, adas, settings):
        settings.CANARY_EMAIL_DOMAIN = ""
        assert "The canary is switched off" in adas.get(listing()).content.decode()
        deed = reverse("admin:canary_canaryrun_listdeed", args=["run"])
        assert "switched off" in adas.post(deed, {"reason": "try"}).content.decode()

    def test_it_is_for_staff(self, client, alice, canary):
        client.force_login(alice)
        assert client.get(listing()).status_code == 302

    def test_it_takes_the_same_queries_however_many_runs(self, adas, canary, ended, django_assert_max_num_queries):
        for hours in range(1, 30):
            ended(clock.now() - hours * HOUR)
        with django_assert_max_num_queries(14):
            adas.get(listing())
