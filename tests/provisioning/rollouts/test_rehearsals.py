"""Rehearsals: restored, upgraded, torn down, whatever comes; and their result opens or closes the stage."""

import pytest

from portal.core.errors import Conflict
from portal.core.models import Organization
from provisioning.models import Instance, Operation, Rehearsal, Rollout, RolloutStage
from provisioning.services.rehearsals import rehearsal_ended, rehearsals_begin, rehearsals_go_on
from provisioning.services.rollouts import rollout_widen, rollouts_tick, stage_approve
from tests.conftest import SUSPENDED
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, policy, run_out, under_way


@pytest.fixture
def waiting(populate, begun, new, clock) -> RolloutStage:
    """Stage two waits for its rehearsal; its stand-in is being restored."""
    populate(1, kind="internal")
    populate(3, region="europe-west3", disk_floor_gb={"sql_disk_gb": 99})
    populate(1, kind="trial", trial_ends_at="2027-01-01T00:00:00Z")
    rollout = begun(new, policy(0, 100, rehearsals=1))
    rollout.stages.filter(position=2).update(needs_rehearsal=True)
    run_out()
    clock.shift(60)
    stage: RolloutStage = rollout.stages.get(position=2)
    return stage


@pytest.fixture
def rehearsal(waiting) -> Rehearsal:
    return Rehearsal.objects.select_related("stand_in").get()


def stage_of(rehearsal: Rehearsal) -> RolloutStage:
    rollouts_tick()
    stage: RolloutStage = rehearsal.rollout.stages.get(position=2)
    return stage


def test_the_stand_in_is_ours_and_as_the_original_is(waiting, rehearsal, settings):
    assert (waiting.status, waiting.waiting_for) == ("held", "the rehearsals: 0 of 1 have passed")
    stand_in, original = rehearsal.stand_in, rehearsal.instance
    assert original.kind == "production"
    assert stand_in.organization == Organization.objects.get(slug=settings.REHEARSAL_ORGANIZATION)
    assert (stand_in.kind, stand_in.status, stand_in.release) == ("rehearsal", "pending", original.release)
    assert (stand_in.region, stand_in.size) == ("europe-west3", original.size)
    assert stand_in.disk_floor_gb == {"sql_disk_gb": 99}
    assert stand_in.domain == f"{stand_in.slug}.{settings.INSTANCE_DOMAIN}"
    [restoring] = under_way("rehearse")
    assert restoring.inputs == {"backup": {"project": original.pk, "instance": f"sql-{original.pk}"}}
    assert stand_in.pk not in set(rehearsal.rollout.members.values_list("instance", flat=True))


def test_it_is_restored_upgraded_torn_down_and_then_the_stage_begins(rehearsal, clock):
    for kind in ("rehearse", "upgrade", "teardown"):
        [operation] = under_way(kind)
        assert operation.instance_id == rehearsal.stand_in_id
        clock.shift(600)
        end_well(operation)
    rehearsal.refresh_from_db()
    assert (rehearsal.status, rehearsal.is_torn_down) == ("passed", True)
    assert rehearsal.result == "Last night's backup was restored and brought to 5.12.0 in 21 min."
    assert stage_of(rehearsal).status == "running"
    assert run_out() >= 0
    assert Rollout.objects.get().status == "succeeded"
    assert Instance.objects.get(pk=rehearsal.stand_in_id).status == "deleted"


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        ("rehearse", "Restoring the backup failed: The quota is used up."),
        ("upgrade", "The upgrade of the restored backup was undone: The quota is used up."),
    ],
)
def test_it_is_torn_down_whatever_fails_and_the_stage_stays_closed(rehearsal, by_ada, clock, fails, says):
    if fails == "upgrade":
        end_well(*under_way("rehearse"))
        clock.shift(60)
    end_badly(*under_way(fails))
    rehearsal.refresh_from_db()
    assert rehearsal.status == "failed"
    assert rehearsal.result.startswith(says)
    clock.shift(60)
    end_well(*under_way("teardown"))
    stage = stage_of(rehearsal)
    assert stage.status == "held"
    assert stage.waiting_for.startswith(f"a person: the rehearsal with {rehearsal.instance.slug} has failed")
    clock.shift(60)
    stage_approve(stage=stage, actor=by_ada, reason="We know why.")
    assert stage_of(rehearsal).status == "running"


def test_a_teardown_that_fails_is_reported_and_may_be_set_going_again(rehearsal, clock, by_ada):
    from provisioning.services import operation_retry

    for kind in ("rehearse", "upgrade"):
        clock.shift(60)
        end_well(*under_way(kind))
    clock.shift(60)
    [teardown] = under_way("teardown")
    end_badly(teardown)
    rehearsals_go_on()
    rehearsal.refresh_from_db()
    assert rehearsal.result.endswith("min. Its teardown failed.")
    assert (rehearsal.status, rehearsal.is_torn_down) == ("passed", False)
    operation_retry(operation=teardown, actor=by_ada, reason="The lock is gone.")
    end_well(teardown)
    rehearsal.refresh_from_db()
    assert rehearsal.is_torn_down


def test_a_lost_signal_costs_one_beat(rehearsal, clock):
    from provisioning.signals import operation_finished

    operation_finished.disconnect(dispatch_uid="provisioning.services.rehearsals")
    try:
        end_well(*under_way("rehearse"))
    finally:
        operation_finished.connect(rehearsal_ended, dispatch_uid="provisioning.services.rehearsals")
    assert not under_way("upgrade")
    rollouts_tick()
    assert [operation.instance_id for operation in under_way("upgrade")] == [rehearsal.stand_in_id]


def test_the_stage_is_not_widened_into_before_they_have_passed(populate, begun, new, by_ada):
    populate(1, kind="internal")
    populate(2)
    rollout = begun(new, policy(0, 100, rehearsals=1, soak_hours=5))
    rollout.stages.filter(position=2).update(needs_rehearsal=True)
    run_out()
    assert rollout.stages.get(position=1).status == "soaking", "and meanwhile the next stage is rehearsed"
    with pytest.raises(Conflict, match=r"waits for the rehearsals: 0 of 1 have passed"):
        rollout_widen(rollout=rollout, actor=by_ada, reason="We are in a hurry.")


def test_asked_for_twice_it_is_the_same(waiting, rehearsal):
    assert rehearsals_begin(rollout=rehearsal.rollout, stage=waiting) == 0
    assert Operation.objects.filter(kind="rehearse").count() == 1


def test_a_stage_of_trials_is_rehearsed_with_who_comes_after_it(populate, begun, new):
    populate(1, kind="trial", trial_ends_at="2027-01-01T00:00:00Z")
    [customer] = populate(1)
    terms = policy(100, 100, rehearsals=1, needs_rehearsal=True)
    terms.stages.filter(position=1).update(customer_percent=0)
    rollout = begun(new, terms)
    rollouts_tick()
    assert [rehearsal.instance for rehearsal in rollout.rehearsals.all()] == [customer]


def test_with_nobody_to_rehearse_with_nothing_is_waited_for(populate, begun, new):
    populate(1, kind="trial", trial_ends_at="2027-01-01T00:00:00Z")
    rollout = begun(new, policy(100, needs_rehearsal=True))
    assert run_out() == 1
    assert not rollout.rehearsals.exists()


def test_who_is_suspended_is_left_alone(populate, begun, new):
    """Nobody has backed it up last night."""
    asleep, awake = populate(2)
    rollout = begun(new, policy(100, rehearsals=2, needs_rehearsal=True))
    Instance.objects.filter(pk=asleep.pk).update(**SUSPENDED)
    rollouts_tick()
    assert [rehearsal.instance for rehearsal in rollout.rehearsals.all()] == [awake]
