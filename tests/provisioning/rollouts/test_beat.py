"""Rollouts go on by themselves: stage by stage, never too many at once, and not beyond a broken gate."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.models import AuditEvent, Mail
from provisioning.models import Hold, Instance, Operation, Outage, Rollout, RolloutMember
from provisioning.services import instance_upgrade, operation_cancel
from provisioning.services.holds import hold_end
from provisioning.services.rollouts import rollout_resume, rollout_skip, rollouts_complete, rollouts_tick
from provisioning.services.rollouts.beat import MOST_STARTS_PER_TICK
from tests.conftest import SUSPENDED
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, policy, published, run_out, under_way


def statuses(rollout: Rollout) -> dict[str, int]:
    counts: dict[str, int] = {}
    for status in rollout.members.values_list("status", flat=True):
        counts[status] = counts.get(status, 0) + 1
    return counts


def again(rollout: Rollout) -> Rollout:
    return Rollout.objects.get(pk=rollout.pk)


def test_everybody_is_brought_to_the_release_stage_by_stage(populate, begun, new):
    populate(20)
    populate(2, kind="internal")
    rollout = begun(new, policy(0, 10, 40, 100))
    rollouts_tick()
    assert {op.instance.kind for op in under_way()} == {"internal"}
    run_out()
    assert statuses(rollout) == {"done": 22}
    assert set(Instance.objects.values_list("release__app_version", flat=True)) == {"5.12.0"}
    assert again(rollout).status == "succeeded"
    assert set(rollout.stages.values_list("status", flat=True)) == {"passed"}
    starts = [set(stage.members.values_list("operation__created_at", flat=True)) for stage in rollout.stages.all()]
    assert all(starts), "every stage had somebody"


def test_a_stage_rests_before_the_next_begins(populate, begun, new, clock):
    populate(20)
    rollout = begun(new, policy(30, 100, soak_hours=2))
    run_out()
    assert rollout.stages.get(position=1).status == "soaking"
    clock.shift(2 * 3600 - 1)
    assert run_out() == 0
    clock.shift(1)
    assert run_out() > 0
    assert rollout.stages.get(position=2).status == "soaking"


def test_nobody_begins_outside_their_window(populate, begun, new, clock):
    [late] = populate(1, maintenance_hour=18)
    begun(new)
    assert run_out() == 0
    clock.shift(6 * 3600)
    assert run_out() == 1
    late.refresh_from_db()
    assert late.release_id == new.pk


def test_an_emergency_asks_for_no_window_and_says_so(populate, begun, new):
    populate(1, maintenance_hour=18)
    rollout = begun(new, is_emergency=True, reason="CVE-2026-1.")
    assert run_out() == 1
    started = AuditEvent.objects.get(action="rollout.start", object_id=rollout.pk)
    assert started.details["windows"] == "ignored"
    assert "outside maintenance windows: CVE-2026-1." in Operation.objects.get().reason


def test_never_more_at_once_than_the_policy_says(populate, begun, new):
    populate(20)
    begun(new, policy(100, most_at_once=7))
    rollouts_tick()
    rollouts_tick()
    assert len(under_way()) == 7
    end_well(*under_way()[:3])
    rollouts_tick()
    assert len(under_way()) == 7


def test_a_member_that_is_refused_says_why_and_takes_nobodys_turn(populate, begun, new, monkeypatch):
    """One per tick: the refused one comes after all others."""
    monkeypatch.setattr("provisioning.services.rollouts.beat.MOST_STARTS_PER_TICK", 1)
    populate(2)
    rollout = begun(new)
    bad = rollout.members.order_by("pk")[0].instance
    Instance.objects.filter(pk=bad.pk).update(release=published("5.13.0"))
    for _ in range(3):
        rollouts_tick()
    assert [operation.instance_id for operation in under_way()] != [bad.pk]
    refused = rollout.members.get(instance=bad)
    assert refused.status == "planned"
    assert refused.waiting_for.startswith("a person: ")
    assert "older" in refused.waiting_for


def test_a_broken_member_ends_no_tick(populate, begun, new, monkeypatch):
    bad, *_ = populate(3)
    rollout = begun(new)
    real = instance_upgrade

    def upgrade(*, instance, **wish):
        if instance.pk == bad.pk:
            raise RuntimeError("broken")
        return real(instance=instance, **wish)

    monkeypatch.setattr("provisioning.services.rollouts.begin.instance_upgrade", upgrade)
    assert rollouts_tick() == 2
    assert "Something went wrong inside" in rollout.members.get(instance=bad).waiting_for


class TestAGate:
    def test_stops_the_rollout_within_its_stage(self, populate, begun, new, ada):
        populate(40)
        rollout = begun(new, policy(30, 100))
        rollouts_tick()
        first = under_way()
        end_badly(first[0])
        end_well(first[1])
        before = len(first)
        assert rollouts_tick() == 0
        stopped = again(rollout)
        assert stopped.status == "paused"
        assert stopped.paused_because == "1 of 2 have failed (50 %); at most 5 % may."
        assert Operation.objects.count() == before, "nobody else has begun"
        letter = Mail.objects.get(kind="rollout-paused")
        assert letter.recipient == ada.email
        assert letter.context["because"] == stopped.paused_because
        end_well(*first[2:])
        assert run_out() == 0
        untouched = rollout.members.filter(stage__position=2)
        assert set(untouched.values_list("status", flat=True)) == {"planned"}

    def test_counts_from_when_somebody_decided_to_go_on(self, populate, begun, new, by_ada, clock):
        populate(12)
        rollout = begun(new, policy(100, most_at_once=2))
        rollouts_tick()
        end_badly(under_way()[0])
        rollouts_tick()
        assert again(rollout).status == "paused"
        clock.shift(60)
        rollout_resume(rollout=rollout, actor=by_ada, reason="The disk was full.")
        clock.shift(60)
        run_out()
        assert again(rollout).status == "succeeded"
        assert statuses(rollout) == {"done": 11, "failed": 1}

    def test_looks_at_who_answers(self, populate, begun, new):
        populate(3)
        rollout = begun(new, policy(100, soak_hours=9))
        run_out()
        Outage.objects.create(instance=Instance.objects.all()[0], what="refused")
        rollouts_tick()
        assert again(rollout).paused_because == "1 of 3 that are done do not answer; at least 99 % must."

    def test_closes_when_the_release_is_withdrawn(self, populate, begun, new):
        populate(3)
        rollout = begun(new)
        new.status, new.withdrawn_because = "withdrawn", "It loses data."
        new.save()
        assert rollouts_tick() == 0
        assert again(rollout).paused_because == "5.12.0 was withdrawn: It loses data."


class TestLateComers:
    @pytest.fixture
    def held(self, populate, by_ada) -> Hold:
        held, *_ = populate(4)
        return Hold.objects.create(instance=held, reason="The audit.", until="2026-12-01T00:00:00Z")

    def test_a_rollout_waits_for_nobodys_hold_and_who_was_held_comes_later(self, held, begun, new, by_ada):
        rollout = begun(new)
        run_out()
        assert again(rollout).status == "succeeded"
        assert statuses(rollout) == {"done": 3, "planned": 1}
        hold_end(hold=held, actor=by_ada)
        assert run_out() == 1
        assert statuses(rollout) == {"done": 4}

    def test_not_once_a_newer_one_has_begun(self, held, begun, new, newer, by_ada):
        rollout = begun(new)
        run_out()
        later = begun(newer, policy(100, name="later"))
        left = rollout.members.get(instance=held.instance)
        assert (left.status, left.skipped_because) == ("skipped", "The rollout of 5.12.1 takes over.")
        run_out()
        hold_end(hold=held, actor=by_ada)
        run_out()
        assert statuses(later) == {"done": 4}
        assert set(Instance.objects.values_list("release__app_version", flat=True)) == {"5.12.1"}

    def test_a_pin_lets_pass_what_it_allows(self, populate, begun, new, newer):
        [pinned] = populate(1)
        Hold.objects.create(instance=pinned, release=new, reason="The audit.", until="2026-12-01T00:00:00Z")
        begun(new)
        assert run_out() == 1
        begun(newer, policy(100, name="later"))
        assert run_out() == 0

    def test_who_comes_to_be_meant_has_a_place_within_the_hour(self, populate, begun, new):
        asleep, _ = populate(2, channel="early")
        Instance.objects.filter(pk=asleep.pk).update(**SUSPENDED)
        rollout = begun(new)
        run_out()
        assert rollouts_complete() == 0
        Instance.objects.filter(pk=asleep.pk).update(status="running")
        assert [rollouts_complete(), rollouts_complete()] == [1, 0]
        assert run_out() == 1
        assert statuses(rollout) == {"done": 2}

    def test_who_does_not_run_keeps_no_stage_open(self, populate, begun, new):
        asleep, _ = populate(2)
        rollout = begun(new)
        Instance.objects.filter(pk=asleep.pk).update(**SUSPENDED)
        run_out()
        assert again(rollout).status == "succeeded"
        Instance.objects.filter(pk=asleep.pk).update(status="running")
        assert run_out() == 1


class TestALongWay:
    def test_is_gone_in_legs_and_is_done_at_its_end(self, populate, begun, new):
        populate(1)
        rollout = begun(published("6.0.0", kind="major", minimum_version="5.12.0"))
        rollouts_tick()
        [first] = under_way()
        end_well(first)
        member = rollout.members.get()
        assert (member.status, member.operation) == ("running", under_way()[0])
        assert member.operation != first
        assert rollouts_tick() == 0
        end_well(*under_way())
        assert statuses(rollout) == {"done": 1}
        assert Instance.objects.get().release.app_version == "6.0.0"

    def test_that_nobody_goes_on_with_is_gone_on_with_by_the_beat(self, populate, begun, new):
        populate(1)
        rollout = begun(published("6.0.0", kind="major", minimum_version="5.12.0"))
        rollouts_tick()
        [first] = under_way()
        Operation.objects.update(inputs={})
        end_well(first)
        assert statuses(rollout) == {"planned": 1}
        assert rollouts_tick() == 1

    def test_that_does_not_lead_there_is_a_persons_business(self, populate, begun, old, by_ada):
        populate(1)
        rollout = begun(published("6.0.0", kind="major", minimum_version="5.99.0"))
        run_out()
        member = rollout.members.get()
        assert member.waiting_for.startswith("a person: 6.0.0 can be reached from 5.99.0 on")
        assert rollout.stages.get().waiting_for == "a person: 1 of its members could not begin; mend or skip them"
        assert again(rollout).status == "running"
        rollout_skip(member=member, actor=by_ada, reason="They leave.")
        run_out()
        assert again(rollout).status == "succeeded"


class TestByHand:
    def test_who_has_been_upgraded_by_hand_is_done(self, populate, begun, new, by_ada):
        one, _ = populate(2, maintenance_hour=18)
        rollout = begun(new)
        end_well(instance_upgrade(instance=one, release=new, actor=by_ada))
        member = rollout.members.get(instance=one)
        assert (member.status, member.operation) == ("done", Operation.objects.get())
        assert statuses(rollout) == {"done": 1, "planned": 1}

    def test_a_rollout_waits_for_an_upgrade_that_is_under_way(self, populate, begun, new, by_ada):
        [one] = populate(1)
        rollout = begun(new)
        own = instance_upgrade(instance=one, release=new, actor=by_ada)
        assert rollouts_tick() == 0
        assert again(rollout).status == "running"
        end_well(own)
        rollouts_tick()
        assert again(rollout).status == "succeeded"

    def test_who_failed_and_is_mended_by_hand_is_done(self, populate, begun, new, by_ada):
        [one] = populate(1)
        rollout = begun(new)
        rollouts_tick()
        end_badly(*under_way())
        assert statuses(rollout) == {"failed": 1}
        end_well(instance_upgrade(instance=one, release=new, actor=by_ada))
        assert statuses(rollout) == {"done": 1}

    def test_an_operation_that_was_cancelled_before_it_began_is_noticed(self, populate, begun, new, by_ada, settings):
        settings.ENGINE_MOST_AT_ONCE = {"": 0}
        populate(1)
        rollout = begun(new)
        rollouts_tick()
        [queued] = Operation.objects.all()
        assert queued.status == "queued"
        operation_cancel(operation=queued, actor=by_ada, reason="Not now.")
        rollouts_tick()
        assert statuses(rollout) == {"failed": 1}


class TestALargeFleet:
    def count(self) -> int:
        with CaptureQueriesContext(connection) as queries:
            rollouts_tick()
        return len(queries)

    def test_a_tick_that_begins_nothing_asks_the_same_however_many_wait(self, populate, begun, new, clock):
        populate(3, maintenance_hour=18)
        rollout = begun(new)
        rollouts_tick()
        few = self.count()
        more = populate(297, maintenance_hour=18)
        stage = rollout.stages.get()
        RolloutMember.objects.bulk_create(
            RolloutMember(rollout=rollout, stage=stage, instance=instance, previous="5.11.0") for instance in more
        )
        assert self.count() == few <= 16

    def test_a_tick_begins_so_many_and_asks_for_each_the_same(self, populate, begun, new):
        populate(300)
        begun(new, policy(100, most_at_once=300))
        first = self.count()
        assert len(under_way()) == MOST_STARTS_PER_TICK
        second = self.count()
        assert len(under_way()) == 2 * MOST_STARTS_PER_TICK
        assert abs(first - second) <= 3
        assert first <= 16 + 32 * MOST_STARTS_PER_TICK

    def test_all_of_it_ends(self, populate, begun, new):
        populate(300)
        rollout = begun(new, policy(10, 40, 100, most_at_once=300))
        assert run_out() == 300
        assert again(rollout).status == "succeeded"
