"""What people do to rollouts: each deed in its state, with a reason, in the audit, and once however often clicked."""

from datetime import UTC, datetime

import pytest

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.fleet.policies import load_policies
from provisioning.models import Instance, Operation, Rollout, RolloutMember, RolloutPolicy, RolloutStage
from provisioning.services.rollouts import (
    member_postpone,
    rollout_abort,
    rollout_create,
    rollout_pause,
    rollout_resume,
    rollout_roll_back,
    rollout_skip,
    rollout_start,
    rollout_widen,
    rollouts_tick,
    stage_approve,
)
from tests.conftest import SUSPENDED
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, policy, published, run_out, under_way

WHY = "Somebody has to."


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def again(rollout: Rollout) -> Rollout:
    return Rollout.objects.get(pk=rollout.pk)


def placed(rollout: Rollout) -> set[str]:
    return set(rollout.members.values_list("instance__slug", flat=True))


class TestADraft:
    def test_has_a_place_for_everybody_that_it_is_for(self, populate, old, new, by_ada):
        populate(1)
        populate(1, channel="insiders")
        populate(1, channel="paused")
        populate(1, release=new)
        populate(1, **SUSPENDED)
        draft = rollout_create(release=new, policy=policy(100), actor=by_ada)
        assert placed(draft) == {"toy-0000", "toy-0001"}
        assert set(draft.members.values_list("previous", flat=True)) == {"5.11.0"}
        assert rollouts_tick() == 0

    def test_goes_only_to_channels_that_are_as_bold_as_the_release(self, populate, old, by_ada):
        populate(1)
        populate(1, channel="early")
        populate(1, channel="insiders")
        early = published("5.12.0", channel="early")
        assert placed(rollout_create(release=early, policy=policy(100), actor=by_ada)) == {"toy-0001", "toy-0002"}

    @pytest.mark.parametrize(
        ("kind", "suited"), [("major", "major"), ("minor", "minor-and-patch"), ("patch", "minor-and-patch")]
    )
    def test_follows_the_policy_that_suits_it(self, old, by_ada, kind, suited):
        load_policies()
        draft = rollout_create(release=published("6.0.0", kind=kind), actor=by_ada)
        assert draft.policy_id == suited
        assert list(draft.stages.values_list("name", "soak_hours", "needs_approval")) == list(
            draft.policy.stages.values_list("name", "soak_hours", "needs_approval")
        )

    def test_keeps_its_terms_when_the_policy_is_edited(self, new, by_ada):
        own = policy(100)
        draft = rollout_create(release=new, policy=own, actor=by_ada)
        own.stages.update(most_failed_percent=99)
        assert draft.stages.get().most_failed_percent == 5

    def test_of_an_architecture_takes_in_who_has_an_older_one(self, populate, by_ada):
        load_policies()
        populate(1, architecture="1.0")
        populate(1)
        populate(1, architecture="1.0", channel="paused")
        draft = rollout_create(architecture="1.1", actor=by_ada)
        assert placed(draft) <= {"toy-0000"}
        assert draft.policy_id == "major"

    @pytest.mark.parametrize(
        ("wish", "says"),
        [
            ({}, "either a release or an architecture"),
            ({"architecture": "9.9"}, "no architecture 9.9"),
            ({"release": "draft"}, "only a published release"),
            ({"release": "5.12.0", "is_emergency": True}, "cannot wait for maintenance windows"),
            ({"release": "5.12.0", "policy": None}, "No policy is meant for minor"),
        ],
    )
    def test_is_refused(self, new, by_ada, wish, says):
        if wish.get("release"):
            wish["release"] = new if wish["release"] == "5.12.0" else published("5.13.0")
            if wish["release"] != new:
                wish["release"].status = "draft"
        with pytest.raises(Invalid, match=says):
            rollout_create(**({"policy": policy(100)} | wish), actor=by_ada)
        assert not Rollout.objects.exists()


class TestAStart:
    def test_takes_the_fleet_as_it_is_now(self, populate, new, by_ada):
        [there] = populate(1)
        draft = rollout_create(release=new, policy=policy(100), actor=by_ada)
        populate(1)
        Instance.objects.filter(pk=there.pk).update(release=new)
        rollout_start(rollout=draft, actor=by_ada)
        assert placed(draft) == {"toy-0001"}

    def test_happens_once(self, populate, begun, new, by_ada):
        populate(1)
        rollout = begun(new)
        with pytest.raises(Conflict, match="This rollout is running"):
            rollout_start(rollout=rollout, actor=by_ada)
        assert AuditEvent.objects.filter(action="rollout.start").count() == 1

    def test_waits_for_another_of_its_sort(self, begun, new, newer, by_ada):
        begun(new)
        draft = rollout_create(release=newer, policy=policy(100, name="b"), actor=by_ada)
        with pytest.raises(Conflict, match=r"The rollout of 5\.12\.0 is running"):
            rollout_start(rollout=draft, actor=by_ada)
        assert again(draft).status == "draft"

    def test_refuses_what_was_withdrawn_meanwhile(self, new, by_ada):
        draft = rollout_create(release=new, policy=policy(100), actor=by_ada)
        new.status = "withdrawn"
        new.save()
        with pytest.raises(Invalid, match="is withdrawn"):
            rollout_start(rollout=draft, actor=by_ada)


class TestASuccessor:
    def test_keeps_everybodys_place_and_takes_over_at_its_start(self, populate, begun, new, newer, by_ada):
        populate(40)
        former = begun(new, policy(30, 100, soak_hours=9))
        run_out()
        places = dict(former.members.values_list("instance_id", "stage__position"))
        draft = rollout_create(release=newer, policy=policy(30, 100, name="b"), supersedes=former, actor=by_ada)
        assert dict(draft.members.values_list("instance_id", "stage__position")) == places
        assert again(former).status == "running"
        rollout_start(rollout=draft, actor=by_ada)
        assert again(former).status == "superseded"
        assert set(former.members.values_list("status", flat=True)) == {"done", "skipped"}
        run_out()
        assert set(draft.members.values_list("status", flat=True)) == {"done"}
        assert AuditEvent.objects.get(action="rollout.supersede").details["by"] == draft.pk

    def test_lets_end_what_the_former_has_begun(self, populate, begun, new, newer, by_ada):
        populate(1)
        former = begun(new)
        rollouts_tick()
        draft = rollout_create(release=newer, policy=policy(100, name="b"), supersedes=former, actor=by_ada)
        rollout_start(rollout=draft, actor=by_ada)
        assert rollouts_tick() == 0
        end_well(*under_way())
        assert former.members.get().status == "done"
        assert run_out() == 1
        assert Instance.objects.get().release_id == newer.pk

    def test_is_newer_and_the_only_one(self, begun, new, newer, old, by_ada):
        former = begun(newer)
        with pytest.raises(Invalid, match="is not newer"):
            rollout_create(release=new, policy=policy(100, name="b"), supersedes=former, actor=by_ada)
        newest = published("5.13.0")
        first = rollout_create(release=newest, policy=policy(100, name="c"), supersedes=former, actor=by_ada)
        with pytest.raises(Conflict, match="has a successor already"):
            rollout_create(release=newest, policy=policy(100, name="d"), supersedes=former, actor=by_ada)
        rollout_abort(rollout=first, actor=by_ada, reason=WHY)
        assert rollout_create(release=newest, policy=policy(100, name="e"), supersedes=former, actor=by_ada)


class TestAPause:
    def test_lets_nobody_else_begin_until_it_is_resumed(self, populate, begun, new, by_ada):
        populate(4)
        rollout = begun(new, policy(100, most_at_once=2))
        rollouts_tick()
        rollout_pause(rollout=rollout, actor=by_ada, reason=WHY)
        end_well(*under_way())
        assert rollouts_tick() == 0
        rollout_resume(rollout=rollout, actor=by_ada, reason=WHY)
        assert again(rollout).paused_because == ""
        assert run_out() == 2

    def test_is_made_once(self, begun, new, by_ada):
        rollout = begun(new)
        rollout_pause(rollout=rollout, actor=by_ada, reason=WHY)
        with pytest.raises(Conflict, match="is paused"):
            rollout_pause(rollout=rollout, actor=by_ada, reason=WHY)

    @pytest.mark.parametrize("deed", [rollout_pause, rollout_resume, rollout_widen, rollout_abort, rollout_roll_back])
    def test_and_every_other_deed_needs_a_reason(self, begun, new, by_ada, deed):
        with pytest.raises(Invalid) as refused:
            deed(rollout=begun(new), actor=by_ada, reason=" ")
        assert refused.value.field == "reason"


class TestWidening:
    def test_takes_in_the_next_stage_without_a_rest(self, populate, begun, new, by_ada):
        populate(40)
        rollout = begun(new, policy(10, 100, soak_hours=99))
        run_out()
        assert rollout.members.filter(status="planned").exists()
        rollout_widen(rollout=rollout, actor=by_ada, reason=WHY)
        run_out()
        assert set(rollout.members.values_list("status", "stage__position")) == {("done", 1)}

    def test_a_second_click_widens_no_further(self, populate, begun, new, by_ada):
        populate(40)
        rollout = begun(new, policy(10, 40, 100))
        shown = rollout.stages.get(position=2)
        rollout_widen(rollout=rollout, actor=by_ada, reason=WHY, stage=shown)
        with pytest.raises(Conflict, match="widened already"):
            rollout_widen(rollout=rollout, actor=by_ada, reason=WHY, stage=shown)
        assert rollout.members.filter(stage__position=3).exists()

    def test_ends_at_the_last_stage(self, begun, new, by_ada):
        with pytest.raises(Conflict, match="at its widest"):
            rollout_widen(rollout=begun(new), actor=by_ada, reason=WHY)


class TestAnApproval:
    @pytest.fixture
    def waiting(self, populate, begun, new) -> RolloutStage:
        populate(40)
        rollout = begun(new, policy(10, 100))
        rollout.stages.filter(position=2).update(needs_approval=True)
        run_out()
        stage: RolloutStage = rollout.stages.get(position=2)
        return stage

    def test_is_waited_for(self, waiting, by_ada):
        assert (waiting.status, waiting.waiting_for) == ("held", "an approval")
        stage_approve(stage=waiting, actor=by_ada, reason=WHY)
        assert run_out() > 0
        waiting.refresh_from_db()
        assert (waiting.status, waiting.approved_by, waiting.waiting_for) == ("passed", by_ada.user, "")

    def test_is_given_once_and_only_where_it_is_asked_for(self, waiting, by_ada):
        stage_approve(stage=waiting, actor=by_ada, reason=WHY)
        with pytest.raises(Conflict, match="approved already"):
            stage_approve(stage=waiting, actor=by_ada, reason=WHY)
        with pytest.raises(Conflict, match="has begun already"):
            stage_approve(stage=waiting.rollout.stages.get(position=1), actor=by_ada, reason=WHY)


class TestOneMember:
    def test_is_left_out(self, populate, begun, new, by_ada):
        populate(2)
        rollout = begun(new)
        member = rollout.members.order_by("pk")[0]
        rollout_skip(member=member, actor=by_ada, reason="They are moving.")
        run_out()
        member.refresh_from_db()
        assert (member.status, member.skipped_because) == ("skipped", "They are moving.")
        assert again(rollout).status == "succeeded"
        event = AuditEvent.objects.get(action="rollout.skip")
        assert (event.reason, event.organization_id) == ("They are moving.", member.instance.organization_id)
        with pytest.raises(Conflict, match="skipped; it cannot be skipped"):
            rollout_skip(member=member, actor=by_ada, reason=WHY)

    def test_that_failed_and_is_skipped_counts_no_longer(self, populate, begun, new, by_ada):
        populate(2)
        rollout = begun(new)
        rollouts_tick()
        end_badly(under_way()[0])
        rollout_skip(member=rollout.members.get(status="failed"), actor=by_ada, reason=WHY)
        run_out()
        assert again(rollout).status == "succeeded"

    def test_is_put_off_by_its_people(self, populate, begun, new, by_alice, clock):
        populate(1)
        rollout = begun(new)
        member = rollout.members.get()
        member_postpone(member=member, until=day("2026-11-27T12:30"), actor=by_alice)
        assert run_out() == 0
        assert again(rollout).status == "succeeded", "a stage waits for nobody who has put it off"
        clock.move_to("2026-11-27T12:31:00Z")
        assert run_out() == 1
        event = AuditEvent.objects.get(action="rollout.postpone")
        assert event.details["until"] == "2026-11-27T12:30:00+00:00"

    def test_may_be_brought_forward_again(self, populate, begun, new, by_alice):
        populate(1)
        member = begun(new).members.get()
        member_postpone(member=member, until=day("2026-11-27T12:30"), actor=by_alice)
        member_postpone(member=member, until=None, actor=by_alice)
        assert run_out() == 1

    @pytest.mark.parametrize(
        ("until", "says"), [("2026-11-23T12:00", "in the future"), ("2026-12-09T12:00", "until Tuesday 8 December")]
    )
    def test_is_put_off_only_so_far(self, populate, begun, new, by_alice, until, says):
        populate(1)
        rollout = begun(new)
        rollouts_tick()
        RolloutMember.objects.update(status="planned")
        with pytest.raises(Invalid, match=says):
            member_postpone(member=rollout.members.get(), until=day(until), actor=by_alice)

    def test_is_not_put_off_in_an_emergency_or_once_it_runs(self, populate, begun, new, by_alice):
        populate(1)
        rollout = begun(new, is_emergency=True, reason=WHY)
        member = rollout.members.get()
        with pytest.raises(Conflict, match="urgent"):
            member_postpone(member=member, until=day("2026-11-27T12:00"), actor=by_alice)
        rollouts_tick()
        with pytest.raises(Conflict, match="running already"):
            member_postpone(member=member, until=day("2026-11-27T12:00"), actor=by_alice)


class TestAnAbort:
    def test_ends_it_and_what_runs_goes_on_to_its_end(self, populate, begun, new, by_ada):
        populate(2)
        rollout = begun(new, policy(100, most_at_once=1))
        rollouts_tick()
        rollout_abort(rollout=rollout, actor=by_ada, reason=WHY)
        end_well(*under_way())
        assert rollouts_tick() == 0
        assert set(rollout.members.values_list("status", "skipped_because")) == {
            ("done", ""),
            ("skipped", "The rollout was aborted."),
        }
        with pytest.raises(Conflict, match="is aborted"):
            rollout_resume(rollout=rollout, actor=by_ada, reason=WHY)


class TestGoingBack:
    def test_takes_everybody_who_has_it_to_the_version_before(self, populate, begun, old, new, by_ada):
        populate(6)
        rollout = begun(new, policy(100, most_at_once=4))
        rollouts_tick()
        running = under_way()
        end_badly(running[0])
        end_well(*running[1:3])
        rollout_roll_back(rollout=rollout, actor=by_ada, reason="It loses data.")
        rollouts_tick()
        assert len(under_way("rollback")) == 2
        end_well(running[3])
        rollouts_tick()
        end_well(*under_way("rollback"))
        assert rollouts_tick() == 0
        ended = again(rollout)
        assert (ended.status, ended.finished_at is not None) == ("rolled-back", True)
        assert set(Instance.objects.values_list("release__app_version", flat=True)) == {"5.11.0"}
        counts = [rollout.members.filter(status=status).count() for status in ("undone", "failed", "skipped")]
        assert counts == [3, 1, 2]
        assert Operation.objects.filter(kind="upgrade").count() == 4

    def test_asks_for_no_window(self, populate, begun, new, by_ada, clock):
        populate(1)
        rollout = begun(new)
        run_out()
        clock.shift(9 * 3600)
        rollout_roll_back(rollout=rollout, actor=by_ada, reason=WHY)
        assert rollouts_tick() == 1

    def test_what_cannot_go_back_is_failed_or_left_by_a_person(self, populate, begun, new, by_ada, monkeypatch):
        populate(2)
        rollout = begun(new)
        run_out()
        rollout_roll_back(rollout=rollout, actor=by_ada, reason=WHY)
        rollouts_tick()
        end_badly(under_way("rollback")[0])
        end_well(under_way("rollback")[0])
        rollouts_tick()
        assert sorted(rollout.members.values_list("status", flat=True)) == ["failed", "undone"]
        assert again(rollout).status == "rolled-back"

    def test_who_is_done_may_be_left_as_they_are(self, populate, begun, new, by_ada):
        populate(1)
        rollout = begun(new)
        run_out()
        rollout_roll_back(rollout=rollout, actor=by_ada, reason=WHY)
        rollout_skip(member=rollout.members.get(), actor=by_ada, reason="They like it.")
        rollouts_tick()
        assert again(rollout).status == "rolled-back"
        assert Instance.objects.get().release_id == new.pk

    def test_leaves_alone_who_has_something_newer(self, populate, begun, new, newer, by_ada):
        ahead, _ = populate(2)
        rollout = begun(new)
        run_out()
        Instance.objects.filter(pk=ahead.pk).update(release=newer)
        rollout_roll_back(rollout=rollout, actor=by_ada, reason=WHY)
        rollouts_tick()
        end_well(*under_way("rollback"))
        rollouts_tick()
        assert again(rollout).status == "rolled-back"
        assert sorted(Instance.objects.values_list("release__app_version", flat=True)) == ["5.11.0", "5.12.1"]

    def test_is_not_for_architectures(self, populate, by_ada):
        populate(1, architecture="1.0")
        draft = rollout_create(architecture="1.1", policy=policy(100), actor=by_ada)
        rollout_start(rollout=draft, actor=by_ada)
        with pytest.raises(Conflict, match="An architecture is not taken back"):
            rollout_roll_back(rollout=draft, actor=by_ada, reason=WHY)


def test_an_architecture_is_rolled_out_as_well(populate, by_ada):
    populate(3, architecture="1.0")
    rollout_start(
        rollout=rollout_create(architecture="1.1", policy=policy(100), actor=by_ada),
        actor=by_ada,
    )
    assert rollouts_tick() == 3
    end_well(*under_way("migrate-architecture"))
    rollouts_tick()
    rollout = Rollout.objects.get()
    assert rollout.status == "succeeded"
    assert set(rollout.members.values_list("status", "previous")) == {("done", "1.0")}


def test_the_shipped_policies_stay_as_admins_have_made_them():
    load_policies()
    RolloutPolicy.objects.filter(pk="major").update(rehearsals=9)
    RolloutPolicy.objects.get(pk="major").stages.filter(position=4).delete()
    load_policies()
    major = RolloutPolicy.objects.get(pk="major")
    assert (major.rehearsals, major.stages.count()) == (9, 3)
    second = major.stages.get(position=2)
    assert (second.trial_percent, second.customer_percent) == (30, 10)
    assert second.needs_approval
    assert second.needs_rehearsal
