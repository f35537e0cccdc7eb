"""Whatever people and operations do, in whatever order: the promises of a rollout hold after every move."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import ServiceError
from provisioning.models import Hold, Instance, Operation, Release, Rollout, RolloutStage
from provisioning.services.holds import hold_begin, hold_end
from provisioning.services.rollouts import (
    member_postpone,
    rollout_pause,
    rollout_resume,
    rollout_skip,
    rollout_widen,
    rollouts_tick,
    stage_approve,
)
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, policy, run_out, under_way

MOST = 3


class Play:
    """One rollout, and what may happen to it. What is refused changes nothing."""

    def __init__(self, rollout: Rollout, actor: Actor, seed: int) -> None:
        self.rollout, self.actor, self.chance = rollout, actor, random.Random(seed)  # noqa: S311 - a game, not a secret
        self.moves: list[Callable[[], object]] = [
            rollouts_tick,
            rollouts_tick,
            self.succeed,
            self.succeed,
            self.fail,
            self.hold,
            self.let_go,
            lambda: rollout_pause(rollout=rollout, actor=actor, reason="Why."),
            lambda: rollout_resume(rollout=rollout, actor=actor, reason="Why."),
            lambda: rollout_skip(member=self.somebody(), actor=actor, reason="Why."),
            lambda: member_postpone(member=self.somebody(), until=clock.now() + timedelta(hours=1), actor=actor),
            lambda: stage_approve(stage=rollout.stages.get(position=2), actor=actor, reason="Why."),
            lambda: rollout_widen(rollout=rollout, actor=actor, reason="Why."),
        ]

    def move(self) -> None:
        try:
            self.chance.choice(self.moves)()
        except ServiceError:
            return

    def somebody(self):
        return self.chance.choice(list(self.rollout.members.order_by("pk")))

    def succeed(self) -> None:
        if going := under_way():
            end_well(self.chance.choice(going))

    def fail(self) -> None:
        if (going := under_way()) and self.chance.random() < 0.3:
            end_badly(self.chance.choice(going))

    def hold(self) -> None:
        until = clock.now() + timedelta(days=1)
        hold_begin(instance=self.somebody().instance, until=until, reason="Why.", actor=self.actor)

    def let_go(self) -> None:
        if hold := Hold.objects.filter(ended_at=None).first():
            hold_end(hold=hold, actor=self.actor)


@pytest.mark.parametrize("seed", range(8))
def test_the_promises_hold_after_every_move(populate, begun, new: Release, by_ada, clock, seed):
    populate(12)
    rollout = begun(new, policy(40, 70, 100, most_at_once=MOST))
    rollout.stages.filter(position=2).update(needs_approval=True)
    play = Play(rollout, by_ada, seed)
    for _ in range(40):
        play.move()
        clock.shift(30)
        check(Rollout.objects.get(pk=rollout.pk))
    bring_to_an_end(rollout, by_ada, clock)
    check(Rollout.objects.get(pk=rollout.pk))


def check(rollout: Rollout) -> None:
    members = list(rollout.members.select_related("operation", "instance__release", "stage"))
    running = [member for member in members if member.status == "running"]
    assert len(running) <= MOST
    assert all(member.operation and member.operation.is_live for member in running)
    assert len(under_way()) == len(running), "nobody runs without a place"
    for member in members:
        has_it = member.instance.release.app_version == "5.12.0"
        assert has_it == (member.status == "done"), member.status
    begun = {member.stage.position for member in members if member.operation_id}
    assert all(position <= rollout.stage_position for position in begun), "nobody before their stage"
    passed = rollout.stages.filter(position__lt=rollout.stage_position)
    assert set(passed.values_list("status", flat=True)) <= {"passed"}


def bring_to_an_end(rollout: Rollout, actor: Actor, clock) -> None:
    """Holds end, the approval is given, and it is resumed as often as a gate stops it."""
    for hold in Hold.objects.filter(ended_at=None):
        hold_end(hold=hold, actor=actor)
    clock.shift(3_600)
    for _ in range(20):
        for deed in (
            lambda: stage_approve(stage=rollout.stages.get(position=2), actor=actor, reason="Why."),
            lambda: rollout_resume(rollout=rollout, actor=actor, reason="Why."),
        ):
            try:
                deed()
            except ServiceError:
                continue
        clock.shift(30)
        run_out()
        if Rollout.objects.get(pk=rollout.pk).status == "succeeded":
            break
    assert Rollout.objects.get(pk=rollout.pk).status == "succeeded"
    assert set(RolloutStage.objects.filter(rollout=rollout).values_list("status", flat=True)) == {"passed"}
    assert not rollout.members.filter(status__in=["planned", "running"]).exists()
    assert Operation.objects.count() <= Instance.objects.count()
