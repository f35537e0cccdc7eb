"""What people see of rollouts: before, meanwhile, and each from their own instance."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core import clock
from provisioning.fleet.policies import load_policies
from provisioning.models import Hold, Instance, Operation, Rollout, RolloutMember
from provisioning.selectors.planned import planned_for, standing_of_release, standings_of_releases
from provisioning.selectors.rollouts import Group, preview, progress
from provisioning.services import instance_upgrade
from provisioning.services.rollouts import (
    rollout_create,
    rollout_pause,
    rollout_roll_back,
    rollout_skip,
    rollout_start,
    rollouts_tick,
)
from tests.conftest import SUSPENDED
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, policy, published, run_out, under_way


def queries(ask) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


def sentence(instance: Instance) -> str:
    return standing_of_release(Instance.objects.select_related("release").get(pk=instance.pk)).sentence


class TestAPreview:
    @pytest.fixture
    def draft(self, populate, new, by_ada) -> Rollout:
        load_policies()
        populate(2, kind="internal")
        populate(40)
        populate(1, channel="paused")
        populate(3, release=new)
        populate(1, **SUSPENDED)
        return rollout_create(release=published("6.0.0", kind="major"), actor=by_ada)

    def test_says_who_goes_when(self, draft):
        seen = preview(draft)
        assert [stage.counts["internal"] for stage in seen.stages] == [2, 0, 0, 0]
        assert sum(stage.counts["production"] for stage in seen.stages) == seen.total - 2 == 43
        first, second, *_ = seen.stages
        assert f"{first.earliest:%F %H:%M}" == "2026-11-24 12:00"
        assert f"{second.earliest:%F %H:%M}" == "2026-11-26 12:10", "two working days after all of them are done"
        assert seen.ends_at == seen.stages[-1].rested_at
        assert seen.expected_seconds_each == 600
        assert seen.duration_seconds > 5 * 86_400

    def test_says_what_it_costs(self, draft):
        seen = preview(draft)
        assert seen.backup_cents == round(45 * (8.0 * 20 + 2.8 * 80) * 14 / 30.4)
        assert len(seen.rehearsed_with) <= draft.policy.rehearsals
        assert seen.rehearsal_cents == round(len(seen.rehearsed_with) * 31_300 * 3 / (24 * 30.4))
        assert seen.cents == seen.backup_cents + seen.rehearsal_cents

    def test_says_who_is_left_out_and_who_will_wait(self, draft):
        member = draft.members.first()
        assert member is not None
        Hold.objects.create(instance=member.instance, reason="The audit.", until="2026-12-03T00:00:00Z")
        seen = preview(draft)
        assert seen.left_out == (
            Group("is suspended", 1, ("toy-0046",)),
            Group("its channel is paused", 1, ("toy-0042",)),
        )
        assert seen.held == (Group("The audit.", 1, (member.instance.slug,)),)


class TestProgress:
    def test_shows_every_member_in_its_stage_with_what_it_waits_for(self, populate, begun, new):
        populate(1, kind="internal")
        populate(40)
        rollout = begun(new, policy(0, 30, 100, soak_hours=2))
        run_out()
        seen = progress(rollout)
        assert [stage.counts["done"] for stage in seen.stages] == [1, 0, 0]
        assert seen.total == 41
        third = seen.stages[2].members[0]
        assert third.waiting_for == "stage 3 of 3, not before Tuesday 24 November, 16:10 UTC"
        assert f"{third.begins_at:%F %H:%M}" == "2026-11-25 12:00", "by then its window is over"

    def test_leads_from_a_failed_member_to_its_error(self, populate, begun, new):
        populate(1)
        rollout = begun(new)
        rollouts_tick()
        [operation] = under_way()
        end_badly(operation)
        [cell] = progress(rollout).stages[0].members
        assert (cell.status, cell.operation_id) == ("failed", operation.pk)
        assert cell.error == "The quota is used up. Ask for more."

    def test_says_who_is_held(self, populate, begun, new):
        [held] = populate(1)
        Hold.objects.create(instance=held, reason="The audit.", until="2026-12-03T00:00:00Z")
        [cell] = progress(begun(new)).stages[0].members
        assert cell.waiting_for == "the end of its hold, planned for 3 December: The audit."


class TestWhyNotYet:
    """On the instance's own page: no internal errors, and from when it could be."""

    def test_says_nothing_of_who_has_the_newest(self, populate, new):
        [instance] = populate(1, release=new)
        assert sentence(instance) == ""

    def test_another_channel(self, populate):
        [instance] = populate(1)
        published("5.12.0", channel="early")
        assert sentence(instance) == "It follows the stable channel, and 5.12.0 is only released to early so far."

    def test_a_paused_channel(self, populate, new):
        [instance] = populate(1, channel="paused")
        assert sentence(instance) == "Its upgrades are paused: it follows no channel for now."

    def test_no_rollout_yet(self, populate, new):
        [instance] = populate(1)
        assert sentence(instance) == "The rollout of 5.12.0 has not reached it yet: it is not planned so far."

    def test_its_suspension(self, populate, begun, new):
        [instance] = populate(1)
        begun(new)
        Instance.objects.update(**SUSPENDED)
        assert sentence(instance) == "It is suspended, and catches up with 5.12.0 once it is resumed."

    def test_its_stage(self, populate, begun, new):
        populate(1, kind="internal")
        populate(3)
        begun(new, policy(0, 0, 100, soak_hours=48))
        run_out()
        standing = standing_of_release(Instance.objects.filter(kind="production")[0])
        assert standing.sentence == "Its turn comes with stage 3 of 3, not before Thursday 26 November, 12:00 UTC."
        assert standing.newest == new
        assert f"{standing.expected_at:%F %H:%M}" == "2026-11-26 12:00"
        assert standing.member is not None

    def test_its_window(self, populate, begun, new):
        [instance] = populate(1, maintenance_hour=18)
        begun(new)
        rollouts_tick()
        assert sentence(instance) == "It waits for its maintenance window, Tuesday 24 November, 18:00 UTC."

    def test_a_pin(self, populate, begun, old, new):
        [instance] = populate(1)
        Hold.objects.create(
            instance=instance, release=old, reason="waiting for the security review", until="2026-12-03T00:00:00Z"
        )
        pinned = "Pinned to 5.11.0 until 3 December: waiting for the security review."
        assert sentence(instance) == pinned
        begun(new)
        rollouts_tick()
        assert sentence(instance) == pinned

    def test_a_failure_without_its_error(self, populate, begun, new):
        [instance] = populate(1)
        begun(new)
        rollouts_tick()
        end_badly(*under_way())
        assert sentence(instance) == "The upgrade to 5.12.0 failed on 24 November; our people are on it."

    def test_what_goes_on(self, populate, begun, new, by_ada):
        [instance] = populate(1)
        rollout = begun(new)
        rollout_pause(rollout=rollout, actor=by_ada, reason="A secret.")
        assert sentence(instance) == "The rollout of 5.12.0 is paused while our people look into it."
        instance_upgrade(instance=instance, release=new, actor=by_ada)
        assert sentence(instance) == "It is being upgraded to 5.12.0 now."

    def test_left_out_and_taken_back(self, populate, begun, new, by_ada):
        out, back = populate(2)
        rollout = begun(new)
        rollout_skip(member=rollout.members.get(instance=out), actor=by_ada, reason="A secret.")
        assert sentence(out) == "It is left out of the rollout of 5.12.0 for now."
        run_out()
        rollout_roll_back(rollout=rollout, actor=by_ada, reason="A secret.")
        rollouts_tick()
        end_well(*under_way("rollback"))
        assert sentence(back) == "5.12.0 was taken back on 24 November; a newer one will follow."


class TestTheCalendar:
    def test_has_each_planned_change_in_its_window(self, populate, begun, new, acme, globex):
        populate(1, maintenance_weekday=5, maintenance_hour=3)
        begun(new)
        rollouts_tick()
        [planned] = planned_for(acme)
        assert planned.title == "Upgrade to 5.12.0"
        assert (f"{planned.starts_at:%F %H:%M}", f"{planned.ends_at:%F %H:%M}") == (
            "2026-11-28 03:00",
            "2026-11-28 07:00",
        )
        assert planned.expected_downtime_seconds == 0
        assert planned_for(globex) == []

    def test_is_empty_while_nobody_can_tell(self, populate, begun, new, acme, by_ada):
        populate(1)
        rollout = begun(new)
        rollout_pause(rollout=rollout, actor=by_ada, reason="Why.")
        assert planned_for(acme) == []

    def test_reckons_with_the_downtime_that_was_measured(self, populate, begun, new, acme):
        populate(2)
        begun(new, policy(100, most_at_once=1))
        rollouts_tick()
        end_well(*under_way())
        Operation.objects.update(probes=100, downtime_seconds=1.5)
        assert [planned.expected_downtime_seconds for planned in planned_for(acme)] == [1.5]

    @pytest.mark.parametrize(("before", "is_noticed"), [("1.0", True), ("1.1", False)])
    def test_says_of_a_move_that_restarts_nothing_that_nobody_notices(self, populate, acme, by_ada, before, is_noticed):
        [instance] = populate(1, architecture=before, maintenance_weekday=5, maintenance_hour=3)
        measured = {"status": "succeeded", "finished_at": clock.now(), "probes": 900, "downtime_seconds": 480}
        Operation.objects.create(instance=instance, kind="migrate-architecture", wanted={}, **measured)
        rollout_start(rollout=rollout_create(architecture="1.2", policy=policy(100), actor=by_ada), actor=by_ada)
        rollouts_tick()
        [planned] = planned_for(acme)
        assert planned.title == "Renewal of the infrastructure"
        assert planned.expected_downtime_seconds == (480 if is_noticed else 0)


@pytest.mark.parametrize("what", ["preview", "progress", "standings", "calendar"])
def test_the_number_of_queries_does_not_grow(populate, begun, new, acme, what):
    populate(3, maintenance_hour=18)
    rollout = begun(new)
    rollouts_tick()
    asks = {
        "preview": lambda: preview(rollout),
        "progress": lambda: progress(rollout),
        "standings": lambda: standings_of_releases(Instance.objects.select_related("release")),
        "calendar": lambda: planned_for(acme),
    }
    few = queries(asks[what])
    more = populate(27, maintenance_hour=18)
    stage = rollout.stages.get()
    RolloutMember.objects.bulk_create(
        RolloutMember(rollout=rollout, stage=stage, instance=instance, previous="5.11.0") for instance in more
    )
    assert queries(asks[what]) == few <= 14
