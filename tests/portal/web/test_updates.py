"""What the people of an instance see of its updates, and choose about them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.core.models import AuditEvent
from provisioning.models import Instance, RolloutMember
from tests.portal.web.watching import page_of
from tests.provisioning.rollouts import toy_fleet

CHOICES = {"channel": "early", "weekday": "6", "hour": "23", "time_zone": "America/New_York"}


def page(instance) -> str:
    return reverse("instance_updates", args=[instance.pk])


def postpone(member) -> str:
    return reverse("update_postpone", args=[member.instance_id, member.pk])


def said(answer) -> str:
    return str(answer.content.decode())


def test_it_says_what_there_is_why_not_yet_and_when(alices, served, member):
    shown = said(alices.get(page(served)))
    for words in (
        "90.2.0 is out",
        "Upgrade to 90.2.0",
        "Wednesday 25 November, 01:00 to 05:00 Berlin time",
        'title="25 Nov 2026, 00:00:00 UTC to 25 Nov 2026, 04:00:00 UTC"',
        "Expected downtime: none.",
        "at the latest",
    ):
        assert words in shown


def test_it_says_so_when_nothing_is_newer(alices, served):
    shown = said(alices.get(page(served)))
    assert "It has the newest version" in shown
    assert "Postpone" not in shown


def test_what_can_be_expected_is_told_where_nothing_is_planned_yet(alices, served, member):
    member.delete()
    assert "it is not planned so far" in said(alices.get(page(served)))


def test_in_the_open_window_it_may_come_any_minute(alices, served, member, noon):
    noon.move_to("2026-11-25T00:30:00Z")
    shown = said(alices.get(page(served)))
    assert "Any minute, until Wednesday 25 November, 05:00 Berlin time" in shown
    assert "It is open now, until" in shown


class TestPostponing:
    def test_offers_the_windows_up_to_the_latest(self, alices, served, member):
        shown = said(alices.get(page(served)))
        assert '<option value="2026-11-26T00:00:00+00:00">Thursday 26 November, 01:00</option>' in shown
        assert '<option value="2026-12-08T00:00:00+00:00">' in shown
        assert "2026-12-09T00:00:00" not in shown
        assert "until Tuesday 8 December, 13:00 Berlin time at the latest" in shown

    def test_puts_it_off_and_takes_that_back(self, alices, served, member, alice):
        answer = alices.post(postpone(member), {"until": "2026-11-30T00:00:00+00:00"}, follow=True)
        assert "Upgrade to 90.2.0 is put off until Monday 30 November, 01:00 Berlin time." in said(answer)
        assert "Put off until Monday 30 November, 01:00 Berlin time." in said(answer)
        assert "Monday 30 November, 01:00 to 05:00 Berlin time" in said(answer)
        assert AuditEvent.objects.get(action="rollout.postpone").actor == alice
        answer = alices.post(postpone(member), {"until": ""}, follow=True)
        assert "comes as soon as it may" in said(answer)
        assert RolloutMember.objects.get().not_before is None

    @pytest.mark.parametrize(
        ("until", "sentence"),
        [
            ("2026-12-09T00:00:00+00:00", "until Tuesday 8 December, 13:00 Berlin time at the latest"),
            ("2026-11-01T00:00:00+00:00", "Choose a moment in the future"),
            ("2026-11-30T00:00:00", "Choose one of the moments in the list"),
            ("soon", "Choose one of the moments in the list"),
            ("2026-13-45T00:00:00+00:00", "Choose one of the moments in the list"),
        ],
    )
    def test_is_refused_with_a_sentence(self, alices, served, member, until, sentence):
        assert sentence in said(alices.post(postpone(member), {"until": until}, follow=True))
        assert RolloutMember.objects.get().not_before is None

    def test_is_not_offered_where_it_is_urgent(self, alices, served, begun):
        member = begun(is_emergency=True, reason="A hole.").members.get()
        shown = said(alices.get(page(served)))
        assert "This is urgent and cannot be put off" in shown
        assert "until-" not in shown
        later = {"until": "2026-11-30T00:00:00+00:00"}
        assert "cannot be put off" in said(alices.post(postpone(member), later, follow=True))

    def test_comes_too_late_once_it_has_begun(self, alices, served, member):
        RolloutMember.objects.update(status="running")
        answer = alices.post(postpone(member), {"until": "2026-11-30T00:00:00+00:00"}, follow=True)
        assert "not planned any more" in said(answer)

    def test_has_an_end(self, alices, served, member, noon):
        noon.move_to("2026-12-08T00:30:00Z")
        assert "It cannot be put off any further" in said(alices.get(page(served)))


class TestChoosing:
    def test_is_saved_and_shown(self, alices, served, alice):
        answer = alices.post(page(served), CHOICES, follow=True)
        row = Instance.objects.get()
        assert (row.channel, row.maintenance_weekday, row.maintenance_hour) == ("early", 6, 23)
        assert row.time_zone == "America/New_York"
        assert "Saved." in said(answer)
        assert "The next one opens" in said(answer)
        assert "Sunday 29 November, 23:00 New York time" in said(answer)
        assert AuditEvent.objects.get(action="instance.maintenance").actor == alice

    def test_any_day_in_the_regions_time_is_a_choice(self, alices, served):
        alices.post(page(served), {**CHOICES, "weekday": "", "time_zone": ""})
        row = Instance.objects.get()
        assert (row.maintenance_weekday, row.time_zone) == (None, "")
        assert "As its region: Chicago time" in said(alices.get(page(served)))

    @pytest.mark.parametrize(
        "slip",
        [{"channel": "insiders"}, {"weekday": "7"}, {"hour": "24"}, {"hour": ""}, {"time_zone": "Mars/Olympus"}],
    )
    def test_a_slip_is_told_at_its_field(self, alices, served, slip):
        assert "field-error" in said(alices.post(page(served), {**CHOICES, **slip}))
        assert not AuditEvent.objects.filter(action="instance.maintenance").exists()

    def test_time_zones_come_by_continent(self, alices, served):
        shown = said(alices.get(page(served)))
        assert '<optgroup label="Europe">' in shown
        assert '<option value="Europe/Berlin" selected>Berlin</option>' in shown
        assert '<option value="America/Argentina/Buenos_Aires">Argentina, Buenos Aires</option>' in shown

    def test_who_is_with_the_insiders_may_leave_them(self, alices, served):
        Instance.objects.update(channel="insiders")
        assert "Insiders" in said(alices.get(page(served)))
        alices.post(page(served), {**CHOICES, "channel": "stable"})
        assert Instance.objects.get().channel == "stable"

    def test_what_we_have_paused_stays_paused_and_its_window_can_be_moved(self, alices, served):
        Instance.objects.update(channel="paused")
        shown = said(alices.get(page(served)))
        assert "We have paused the updates of this instance" in shown
        assert 'value="stable"' not in shown
        alices.post(page(served), {**CHOICES, "channel": "paused"})
        row = Instance.objects.get()
        assert (row.channel, row.maintenance_hour) == ("paused", 23)


class TestWhatWasDone:
    def test_is_listed_with_the_downtime_that_was_seen(self, alices, served, done):
        done(served, days=30, probes=312)
        done(served, days=20, kind="rollback", probes=1_200, failed_probes=3, downtime_seconds=14.2)
        done(served, days=10, kind="migrate-architecture", status="undone")
        done(served, days=5, kind="restore", probes=1)
        done(served, days=4, kind="repair")
        shown = said(alices.get(page(served)))
        table = shown[shown.index("What was done") :]
        for words in (
            "Upgrade to 90.1.0",
            "No downtime was seen",
            "in 312 looks",
            "Return to 90.1.0",
            "14 s",
            "3 of 1,200 looks failed",
            "Renewal of the infrastructure",
            "not watched",
            "Restore from backup, with 90.1.0",
            "in 1 look<",
        ):
            assert words in table
        assert "Repair" not in table

    def test_is_told_on_the_page_of_the_operation_and_in_the_history(self, alices, served, done):
        quiet = done(served, probes=312)
        loud = done(served, days=2, status="undone", probes=120, failed_probes=3, downtime_seconds=14)
        assert "No downtime was seen from outside, in 312 looks." in said(alices.get(page_of(quiet)))
        assert "it was down for 14 s: 3 of 120 looks failed." in said(alices.get(page_of(loud)))
        history = said(alices.get(reverse("instance_detail", args=[served.pk])))
        assert "no downtime" in history
        assert "down for 14 s" in history

    def test_is_told_as_it_goes(self, alices, served, done):
        live = done(served, days=0, status="running", finished_at=None, probes=7)
        assert "No downtime was seen from outside so far, in 7 looks." in said(alices.get(page_of(live)))
        shown = said(alices.get(page(served)))
        assert "Watch every step" in shown

    def test_of_a_setup_says_nothing_of_downtime(self, alices, served, done):
        assert "downtime" not in said(alices.get(page_of(done(served, kind="provision", probes=9, failed_probes=9))))

    def test_is_all_that_is_left_of_a_deleted_instance(self, alices, served, done):
        done(served)
        Instance.objects.update(status="deleted")
        shown = said(alices.get(page(served)))
        assert "Upgrade to 90.1.0" in shown
        assert "Maintenance window" not in shown


def test_a_hint_in_the_list_says_what_comes_within_a_week(alices, served, member, noon):
    assert "update <time" in said(alices.get("/instances/"))
    assert page(served) in said(alices.get(reverse("instance_detail", args=[served.pk])))
    RolloutMember.objects.update(not_before="2026-12-02T00:00:00Z")
    assert "update <time" not in said(alices.get("/instances/"))
    noon.move_to("2026-11-26T12:00:00Z")
    assert "update <time" in said(alices.get("/instances/"))


class TestAccess:
    def test_colleagues_look_and_do_not_change(self, bobs, served, member):
        shown = said(bobs.get(page(served)))
        assert "Stable" in shown
        assert "Any day, 01:00 to 05:00 Berlin time" in shown
        assert "Only an owner or an admin of your organization can change this." in shown
        assert "<select" not in shown
        assert 'aria-disabled="true"' in shown
        assert bobs.post(page(served), CHOICES).status_code == 403
        assert bobs.post(postpone(member), {"until": ""}).status_code == 403

    def test_strangers_see_nothing(self, charlies, client, served, member):
        assert charlies.get(page(served)).status_code == 404
        assert charlies.post(page(served), CHOICES).status_code == 404
        assert charlies.post(postpone(member), {"until": ""}).status_code == 404
        assert client.get(page(served)).status_code == 302
        assert Instance.objects.get().channel == "stable"

    def test_an_update_is_found_under_its_own_instance_only(self, alices, acme, alice, old, served, member):
        [other] = toy_fleet.populate(acme, alice, old, 1)
        address = reverse("update_postpone", args=[other.pk, member.pk])
        alices.post(address, {"until": "2026-11-30T00:00:00+00:00"})
        assert RolloutMember.objects.get().not_before is None


def test_the_page_takes_a_constant_number_of_queries(alices, acme, alice, old, served, begun, done):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alices.get(page(served))
        return len(captured)

    stage = begun().stages.get()
    done(served)
    few = queries()
    for instance in toy_fleet.populate(acme, alice, old, 6):
        RolloutMember.objects.create(rollout=stage.rollout, stage=stage, instance=instance, previous="90.1.0")
    for days in range(5, 9):
        done(served, days=days)
    assert queries() == few <= 40
