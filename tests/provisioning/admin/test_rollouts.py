"""The pages of rollouts: who may see them, what they say, what can be done from them, and at what price."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.models import AuditEvent
from provisioning.fleet.policies import load_policies
from provisioning.models import Operation, Release, Rollout, RolloutMember, RolloutStage, StepAttempt
from provisioning.services.rollouts import rollout_create, rollout_pause, rollout_start, rollouts_tick
from tests.provisioning.admin.pages import do, listing, page, text
from tests.provisioning.rollouts import toy_fleet
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, policy, under_way

pytestmark = pytest.mark.django_db
LIST, NEW = listing("provisioning_rollout"), "/admin/provisioning/rollout/new/"
WHY = "It is time."
WISH = {"brings": "5.12.0", "policy": "", "reason": "", "is_emergency": ""}


@pytest.fixture(autouse=True)
def _toys(db, clock, settings):
    settings.ENGINE_MOST_AT_ONCE = {"": 2_000}
    settings.ENGINE_MOST_PER_FOLDER = 2_000
    with toy_fleet.toy_workflows():
        yield


@pytest.fixture
def old() -> Release:
    return toy_fleet.published("5.11.0")


@pytest.fixture
def new(old) -> Release:
    return toy_fleet.published("5.12.0")


@pytest.fixture
def populate(acme, alice, old):
    def populate(count: int, **columns):
        return toy_fleet.populate(acme, alice, columns.pop("release", old), count, **columns)

    return populate


@pytest.fixture
def draft(populate, new, by_ada) -> Rollout:
    """Of one internal and twelve instances in production, in three stages."""
    populate(1, kind="internal")
    populate(12)
    return rollout_create(release=new, policy=policy(0, 50, 100), actor=by_ada)


@pytest.fixture
def running(draft: Rollout, by_ada) -> Rollout:
    """Its first stage is under way."""
    rollout_start(rollout=draft, actor=by_ada)
    rollouts_tick()
    draft.refresh_from_db()
    return draft


@pytest.fixture
def done(running: Rollout) -> Rollout:
    """Two stages have gone well, of the third nobody has begun."""
    for _ in range(8):
        end_well(*under_way())
        stage = RolloutStage.objects.get(rollout=running, position=3)
        if stage.status == "running":
            break
        rollouts_tick()
    running.refresh_from_db()
    return running


def live(rollout) -> str:
    return str(page(rollout, "live"))


def cells(shown: str) -> list[tuple[str, str]]:
    return re.findall(r'<a class="cell" data-is="([a-z-]+)"[^>]* title="([^"]*)"', shown)


def deeds(shown: str) -> set[str]:
    return set(re.findall(r"/do/([a-z]+)/\"", shown))


def state(rollout) -> str:
    return Rollout.objects.get(pk=rollout.pk).status


class TestWhoSeesThem:
    def test_a_customer_does_not(self, alices, draft):
        for address in (LIST, NEW, page(draft), live(draft), page(draft, "deed", "start")):
            assert alices.get(address, follow=True).status_code == 403

    def test_a_stranger_gets_to_the_login(self, draft):
        assert "/login/" in Client().get(page(draft))["Location"]

    def test_staff_that_is_no_superuser_does(self, ada, adas, draft):
        ada.is_superuser = False
        ada.save()
        assert do(adas, draft, "start", reason=WHY).status_code == 302
        assert state(draft) == "running"

    def test_what_does_not_exist_is_not_found(self, adas, draft):
        assert adas.get(page(draft).replace(draft.pk, "rol-0")).status_code == 404
        assert adas.get(live(draft).replace(draft.pk, "rol-0")).status_code == 404
        assert adas.get(page(draft, "cell", 4711)).status_code == 404

    def test_nobody_edits_one_by_hand(self, adas, draft):
        assert adas.post(page(draft), {"status": "succeeded"}).status_code == 403
        assert adas.get("/admin/provisioning/rollout/add/").status_code == 403
        assert adas.get(page(draft, "delete")).status_code == 403


class TestTheList:
    def test_says_when_there_is_none(self, adas):
        assert NEW in text(adas, LIST)

    def test_says_how_far_each_is(self, adas, running):
        end_badly(*under_way())
        shown = text(adas, LIST)
        assert "1 of 3" in shown
        assert "0 done, <strong" in shown
        assert "of 13" in shown
        assert "ada@portal.example" in shown

    def test_is_filtered(self, adas, running, new):
        assert running.pk in text(adas, LIST, status__exact="running", brings="release")
        assert running.pk not in text(adas, LIST, brings="architecture")
        assert running.pk not in text(adas, LIST, status__exact="paused")
        assert running.pk in text(adas, LIST, q="5.12.0")

    def test_asks_as_much_for_many_as_for_few(self, adas, draft, new, by_ada):
        few = queries(adas, LIST)
        for _ in range(5):
            rollout_create(release=new, policy=draft.policy, actor=by_ada)
        assert queries(adas, LIST) == few


class TestANewOne:
    @pytest.fixture(autouse=True)
    def _policies(self):
        load_policies()

    def test_becomes_a_draft_and_leads_to_its_page(self, adas, ada, populate, new):
        populate(2)
        response = adas.post(NEW, WISH)
        draft = Rollout.objects.get()
        assert response["Location"] == page(draft)
        assert (draft.status, draft.release, draft.created_by) == ("draft", new, ada)
        assert draft.policy_id == "minor-and-patch"
        assert draft.members.count() == 2

    def test_offers_published_releases_the_newest_first(self, adas, new):
        toy_fleet.published("5.9.0")
        Release.objects.create(app_version="6.0.0", chart_version="1", kind="major", status="draft")
        offered = re.findall(r'<option value="(\d[^"]*)"', text(adas, NEW))
        assert offered == ["5.12.0", "5.11.0", "5.9.0"]

    def test_clicked_twice_is_one_draft(self, adas, populate, new):
        populate(2)
        first, second = adas.post(NEW, WISH), adas.post(NEW, WISH)
        assert first["Location"] == second["Location"]
        assert Rollout.objects.count() == 1
        assert adas.post(NEW, WISH | {"policy": "major"})["Location"] != first["Location"]

    def test_an_emergency_wants_a_reason(self, adas, populate, new):
        populate(1)
        refused = adas.post(NEW, WISH | {"is_emergency": "on"})
        assert refused.context["form"].errors["reason"] == ["Say why it cannot wait for maintenance windows."]
        assert adas.post(NEW, WISH | {"is_emergency": "on", "reason": "A hole."}).status_code == 302
        assert Rollout.objects.get().is_emergency
        assert "Maintenance windows are ignored" in text(adas, NEW)

    def test_what_the_service_refuses_stands_at_its_field(self, adas, new):
        offered = adas.post(NEW, WISH | {"brings": "5.13.0"})
        assert offered.context["form"].errors["brings"]

    def test_may_supersede_what_is_under_way_and_only_that(self, adas, running):
        patch = toy_fleet.published("5.12.1", kind="patch")
        assert f'<option value="{running.pk}" selected>' in text(adas, NEW, supersedes=running.pk)
        adas.post(NEW, WISH | {"brings": "5.12.1", "supersedes": running.pk})
        draft = Rollout.objects.get(release=patch)
        assert draft.supersedes == running
        assert "supersedes" not in text(adas, NEW), "it has its successor"

    def test_nothing_is_superseded_where_nothing_is_under_way(self, adas, draft):
        assert "supersedes" not in text(adas, NEW)


class TestADraft:
    def test_says_who_goes_when_and_what_it_costs(self, adas, draft, populate):
        populate(1, channel="paused")
        shown = text(adas, page(draft))
        assert "This is a draft" in shown
        assert "1 internal" in shown
        assert "in production" in shown
        assert "First <time" in shown
        assert "Pauses when more than 5 % fail" in shown
        assert " USD" in shown
        assert "Its channel is paused" in shown
        assert len(cells(shown)) == 13

    def test_rehearsed_shows_with_whom_and_what_came_of_it(self, adas, draft):
        whole, gone = [member.instance for member in draft.members.select_related("instance")[:2]]
        draft.rehearsals.create(instance=whole, stand_in=gone)
        draft.rehearsals.create(instance=gone, status="failed", result="It has no backup.", is_torn_down=True)
        shown = text(adas, page(draft))
        assert f'href="{page(gone)}">with {whole.slug}</a>' in shown
        assert "Its backup is brought up beside it" in shown
        assert f"<strong>with {gone.slug}</strong>" in shown
        assert "It has no backup." in shown
        assert "torn down" in shown

    def test_is_not_asked_for_again(self, adas, draft):
        assert "hx-get" not in text(adas, page(draft)).split('id="live"')[1][:200]

    def test_says_who_is_held(self, adas, draft):
        instance = draft.members.select_related("instance").last().instance
        instance.holds.create(reason="Their audit.", until="2026-12-03T00:00:00Z")
        assert "Their audit." in text(adas, page(draft))

    def test_without_members_says_so(self, adas, new, by_ada):
        nobody = rollout_create(release=new, policy=policy(100), actor=by_ada)
        assert "It is for nobody" in text(adas, page(nobody))

    def test_is_started_once_however_often_it_is_clicked(self, adas, ada, draft):
        assert do(adas, draft, "start", reason=WHY)["Location"] == page(draft)
        assert do(adas, draft, "start", reason=WHY).status_code == 302
        assert AuditEvent.objects.filter(action="rollout.start", actor=ada, reason=WHY).count() == 1

    def test_start_says_what_it_means(self, adas, draft):
        shown = text(adas, page(draft, "deed", "start"))
        assert "13 instances in 3 stages. Each goes in its own maintenance window." in shown
        Rollout.objects.update(is_emergency=True)
        assert "windows are ignored" in text(adas, page(draft, "deed", "start"))

    def test_is_discarded(self, adas, draft):
        assert deeds(text(adas, page(draft))) == {"start", "skip", "discard"}
        do(adas, draft, "discard", reason=WHY)
        assert state(draft) == "aborted"
        assert deeds(text(adas, page(draft))) == set()

    def test_cannot_start_beside_another(self, adas, running, by_ada):
        other = rollout_create(release=toy_fleet.published("5.13.0"), policy=running.policy, actor=by_ada)
        refused = do(adas, other, "start", reason=WHY)
        assert "The rollout of 5.12.0 is running. Supersede it" in refused.content.decode()


class TestARunningOne:
    def test_shows_its_stages_and_a_cell_each(self, adas, running):
        shown = text(adas, page(running))
        assert shown.count('<li class="stage ') == 3
        assert 'aria-current="step"' in shown
        told = cells(shown)
        assert told[0] == ("running", "toy-0000: under way")
        assert told[-1][0] == "planned"
        assert "waiting for stage 3 of 3" in told[-1][1]
        assert deeds(shown) == {"pause", "widen", "skip", "abort", "rollback"}

    def test_asks_for_itself_and_gets_nothing_while_nothing_changes(self, adas, running):
        [address] = re.findall(r'hx-get="([^"]*/live/[^"]*)"', text(adas, page(running)))
        assert adas.get(address).status_code == 204
        end_well(*under_way())
        renewed = adas.get(address)
        assert renewed.status_code == 200
        assert cells(renewed.content.decode())[0] == ("done", "toy-0000: done")
        assert f'hx-get="{address}"' not in renewed.content.decode()

    def test_a_cell_is_one_element_and_the_first_of_a_stage_is_reached_by_tab(self, adas, running):
        shown = text(adas, page(running))
        told = re.findall(r'<a class="cell"[^>]*>', shown)
        assert shown.count("</a><a") >= 10
        assert sum("tabindex" not in cell for cell in told) == 3

    def test_a_red_cell_leads_to_the_step_that_failed(self, adas, running):
        [operation] = under_way()
        end_badly(operation)
        member = RolloutMember.objects.get(status="failed")
        shown = text(adas, page(running))
        assert ("failed", "toy-0000: failed. The quota is used up. Ask for more.") in cells(shown)
        assert f"../cell/{member.pk}/" in shown
        assert adas.get(page(running, "cell", member.pk))["Location"] == f"{page(operation)}#work"

    def test_one_that_has_taken_itself_back_leads_there_too(self, adas, running):
        [operation] = under_way()
        end_badly(operation)
        step = operation.steps.get()
        step.status, step.error = "undone", ""
        step.save()
        now = operation.created_at
        failed = StepAttempt.Outcome.FAILED
        step.attempts.create(direction="forward", outcome=failed, worker="w", started_at=now, finished_at=now)
        member = RolloutMember.objects.get(status="failed")
        assert adas.get(page(running, "cell", member.pk))["Location"] == f"{page(operation)}#work"
        assert "<details open>" in text(adas, page(operation)), "what failed is shown at once"

    def test_other_cells_lead_to_what_is_done_or_to_the_instance(self, adas, running):
        [operation] = under_way()
        member = operation.rollout_members.get()
        assert adas.get(page(running, "cell", member.pk))["Location"] == page(operation)
        planned = running.members.filter(status="planned").select_related("instance").first()
        assert adas.get(page(running, "cell", planned.pk))["Location"] == page(planned.instance)

    def test_says_what_the_others_wait_for(self, adas, running):
        shown = text(adas, page(running))
        assert "What the others wait for" in shown
        assert "Stage 3 of 3, not before" in shown

    def test_a_stage_under_way_says_when_it_is_done(self, adas, running):
        assert "Done about <time" in text(adas, page(running))
        Operation.objects.update(created_at=running.started_at - timedelta(days=1))
        assert "Done any moment" in text(adas, page(running))

    def test_a_resting_stage_says_until_when(self, adas, populate, new, by_ada):
        populate(1)
        rollout = rollout_create(release=new, policy=policy(100, soak_hours=4), actor=by_ada)
        rollout_start(rollout=rollout, actor=by_ada)
        rollouts_tick()
        end_well(*under_way())
        rollouts_tick()
        shown = text(adas, page(rollout))
        assert "resting" in shown
        assert "Rests until <time" in shown
        assert "Tue 24 Nov, 16:00 UTC" in shown

    def test_is_paused_and_goes_on(self, adas, ada, running):
        do(adas, running, "pause", reason="A person calls.")
        shown = text(adas, page(running))
        assert "Paused: nobody else begins" in shown
        assert "A person calls." in shown
        assert "It is the release." in shown
        assert "resume" in deeds(shown)
        do(adas, running, "resume", reason=WHY)
        assert state(running) == "running"
        assert AuditEvent.objects.filter(actor=ada, action__in=["rollout.pause", "rollout.resume"]).count() == 2

    def test_what_is_not_for_its_state_is_said_and_does_nothing(self, adas, running, by_ada):
        rollout_pause(rollout=running, actor=by_ada, reason=WHY)
        response = adas.post(page(running, "deed", "pause"), {"reason": WHY}, follow=True)
        assert "is not possible any more" in response.content.decode()

    @pytest.mark.parametrize("deed", ["pause", "widen", "skip", "abort", "rollback"])
    def test_a_reason_is_required(self, adas, running, deed):
        assert do(adas, running, deed, reason=" ").context["form"].errors["reason"]

    def test_is_widened_by_the_stage_that_was_shown(self, adas, running):
        second, third = running.stages.order_by("position")[1:]
        assert f'<option value="{second.pk}"' in text(adas, page(running, "deed", "widen"))
        do(adas, running, "widen", stage=second.pk, reason=WHY)
        again = do(adas, running, "widen", stage=second.pk, reason=WHY)
        assert "It has been widened already." in again.content.decode()
        assert running.members.filter(stage=third).exists()

    def test_leaves_one_out(self, adas, running):
        member = running.members.filter(status="planned").last()
        assert f'<option value="{member.pk}" selected>' in text(adas, page(running, "deed", "skip"), member=member.pk)
        do(adas, running, "skip", member=member.pk, reason="They leave.")
        assert ("skipped", f"{member.instance.slug}: skipped. They leave.") in cells(text(adas, page(running)))
        again = do(adas, running, "skip", member=member.pk, reason="They leave.")
        assert "cannot be skipped" in again.content.decode()

    def test_leaves_nobody_of_another_out(self, adas, running, by_ada):
        other = rollout_create(release=toy_fleet.published("5.13.0"), policy=running.policy, actor=by_ada)
        stranger = other.members.all()[0]
        assert do(adas, running, "skip", member=stranger.pk, reason=WHY).context["form"].errors["member"]

    def test_is_aborted(self, adas, running):
        do(adas, running, "abort", reason=WHY)
        assert state(running) == "aborted"

    def test_offers_to_supersede_it(self, adas, running):
        assert f"{NEW}?supersedes={running.pk}" in text(adas, page(running))


class TestApproval:
    @pytest.fixture
    def held(self, populate, new, by_ada) -> Rollout:
        populate(3)
        rollout = rollout_create(release=new, policy=policy(100, needs_approval=True), actor=by_ada)
        rollout_start(rollout=rollout, actor=by_ada)
        rollouts_tick()
        return rollout

    def test_is_asked_for_on_the_stage(self, adas, held):
        stage = held.stages.get()
        shown = text(adas, page(held))
        assert "Waits for an approval" in shown
        assert f"/do/approve/?stage={stage.pk}" in shown
        assert f'<option value="{stage.pk}" selected>' in text(adas, page(held, "deed", "approve"), stage=stage.pk)

    def test_is_given_once(self, adas, ada, held):
        stage = held.stages.get()
        do(adas, held, "approve", stage=stage.pk, reason=WHY)
        do(adas, held, "approve", stage=stage.pk, reason=WHY)
        stage.refresh_from_db()
        assert stage.approved_by == ada
        assert AuditEvent.objects.filter(action="rollout.approve").count() == 1
        assert "Approved <time" in text(adas, page(held))


class TestRollingBack:
    def test_says_how_many_go_back(self, adas, done):
        had_it = done.members.filter(status="done").count()
        assert f"{had_it} instances go back" in text(adas, page(done, "deed", "rollback"))

    def test_of_few_wants_no_name(self, adas, done):
        do(adas, done, "rollback", reason=WHY)
        assert state(done) == "rolling-back"
        assert "rolling back" in text(adas, page(done))

    def test_of_many_wants_the_name_typed(self, adas, done):
        while under_way() or rollouts_tick():
            end_well(*under_way())
        assert done.members.filter(status="done").count() > 10
        assert "confirmation" in do(adas, done, "rollback", reason=WHY).context["form"].errors
        assert do(adas, done, "rollback", reason=WHY, confirmation="5.11.0").status_code == 200
        assert state(done) != "rolling-back"
        do(adas, done, "rollback", reason=WHY, confirmation="5.12.0")
        assert state(done) == "rolling-back"

    def test_is_not_offered_where_nobody_has_it(self, adas, draft):
        assert "rollback" not in deeds(text(adas, page(draft)))


def queries(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


class TestThePrice:
    @pytest.mark.parametrize("is_begun", [False, True])
    def test_is_the_same_for_forty_as_for_three(self, adas, populate, new, by_ada, is_begun):
        counts = []
        for count in (3, 37):
            populate(count)
            stages = policy(50, 100, name=f"toy-{count}", most_at_once=1)
            rollout = rollout_create(release=new, policy=stages, actor=by_ada)
            if is_begun:
                rollout_start(rollout=rollout, actor=by_ada)
                rollouts_tick()
            counts.append(queries(adas, page(rollout)))
            Rollout.objects.filter(pk=rollout.pk).update(status="aborted")
            Operation.objects.update(status="cancelled")
        assert counts[0] == counts[1]
        assert counts[0] <= 35

    def test_the_form_to_skip_asks_once_for_all(self, adas, running):
        assert queries(adas, page(running, "deed", "skip")) <= 25


class TestOnTheFirstPage:
    def test_rollouts_under_way_are_listed(self, adas, running):
        shown = text(adas, "/admin/")
        assert "Rollouts under way" in shown
        assert "stage 1 of 3" in shown
        assert "0 of 13 done, 0 failed" in shown

    def test_a_paused_one_says_why(self, adas, running, by_ada):
        rollout_pause(rollout=running, actor=by_ada, reason="A person calls.")
        response = adas.get("/admin/")
        assert "A person calls." in response.content.decode()
        [figure] = [figure for figure in response.context["figures"] if figure.title == "Rollouts"]
        assert (figure.count, figure.note, figure.is_bad) == (1, "under way, 1 paused", True)

    def test_without_any_there_is_no_list(self, adas, draft):
        assert "Rollouts under way" not in text(adas, "/admin/")
