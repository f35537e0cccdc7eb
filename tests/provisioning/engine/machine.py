"""One instance under random requests, faults, deaths and clock jumps, next to a small model of what may be true of it.

Requests are legal or not by the model (may_…, tell), and are made of the real services. Workers are real claims that
can be paused or killed at each border to the outside (outside.py). After each rule and each claim every transition
that the database logged must be legal (legal.py), and all that watcher.py says must hold.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portal.core import clock
from portal.core.errors import Conflict, Invalid
from provisioning import services
from provisioning.engine import leases, scheduler
from provisioning.models import Instance, Operation, Release, Step
from tests.provisioning.engine.legal import ACTIVE, HALTED, LIVE
from tests.provisioning.engine.outside import OF_LOOKS, Fate, Worker
from tests.provisioning.engine.stage import (
    BUILD,
    BUILT,
    CHANGE,
    DEADLINE,
    DESTROY,
    START,
    VERSIONS,
    Death,
    Scene,
    Start,
)
from tests.provisioning.engine.watcher import Watcher, is_held

MENDING = frozenset({"retry", "undo", "skip"})
ROUNDS = 400

kinds = st.sampled_from([CHANGE, CHANGE, BUILD, DESTROY, DESTROY])
newer = st.sampled_from([1, 1, 1, 0, -1])  # by so many versions
which = st.integers(0, 2)
reasons = st.sampled_from(["Because.", "", " "])
stories = st.sampled_from([*[Fate.WELL] * 8, *[Fate.REFUSE] * 3, *Fate, *Death])
some_stories = st.lists(stories, min_size=3, max_size=9)
no_stories: st.SearchStrategy[list[Fate]] = st.just([])
bad_stories = st.lists(st.sampled_from([Fate.REFUSE, Fate.WELL]), min_size=1, max_size=3)


class InstanceMachine(RuleBasedStateMachine):
    """Rules are what people, workers, the outside and the clock may do."""

    def __init__(self, scene: Scene, start: Start) -> None:
        super().__init__()
        self.scene, self.start, self.outside = scene, start, scene.outside
        self.outside.forget()
        scene.traveller.move_to(START)
        self.example = transaction.atomic()
        self.example.__enter__()
        self.paused: list[Worker] = []
        self.workers = 0
        self.watcher = Watcher(scene)

    @invariant()
    def check(self) -> None:
        self.watcher.check()

    @initialize(borders=st.sampled_from([None, 1, 1, 2]), stories=no_stories | bad_stories, kind=kinds)
    def begin(self, borders: int | None, stories: list[Fate], kind: str) -> None:
        """It is in the middle of something, perhaps with a worker that pauses while others go on and more is asked."""
        first_kind, first_stories = self.start.value
        if first_kind != BUILD:
            self.outside.there = dict.fromkeys(BUILT, VERSIONS[0])
            Instance.objects.filter(pk=self.scene.instance_id).update(status="running")
        self.watcher.read()
        self.ask(first_kind, newer=1)
        self.check()
        self.life_goes_on([*first_stories])
        if borders is not None:
            self.a_worker_begins_and_pauses(borders, Fate.WELL)
            self.life_goes_on([*stories])
            self.ask(kind, newer=1)

    # -- what people ask for

    @rule(kind=kinds, newer=newer)
    def ask(self, kind: str, newer: int) -> None:
        at = VERSIONS.index(self.watcher.instance.release.app_version) + newer
        version = VERSIONS[at % len(VERSIONS)]
        allowed = {BUILD: self.may_build, CHANGE: self.may_change, DESTROY: self.may_destroy}[kind](version)
        if allowed or kind != BUILD or self.watcher.with_status("queued"):
            self.expect(lambda: self.request(kind, version), "request", allowed=allowed)

    def may_build(self, _version: str) -> bool:
        return self.watcher.instance.status == "pending" and not self.watcher.with_status(*LIVE)

    def may_change(self, version: str) -> bool:
        is_newer = version > self.watcher.instance.release.app_version
        return is_newer and self.watcher.instance.status == "running" and not self.watcher.with_status(*LIVE)

    def may_destroy(self, _version: str) -> bool:
        leaving = any(operation.kind == DESTROY for operation in self.watcher.with_status(*LIVE))
        return self.watcher.instance.status != "deleted" and not leaving and not self.watcher.with_status("queued")

    def request(self, kind: str, version: str) -> Operation:
        instance, actor = Instance.objects.get(pk=self.watcher.instance.pk), self.scene.actor
        if kind == CHANGE:
            release = Release.objects.get(app_version=version)
            return services.instance_upgrade(instance=instance, release=release, actor=actor)
        if kind == BUILD:
            return services.operation_request(instance=instance, kind=kind, actor=actor)
        operation = services.instance_delete(instance=instance, confirmation=instance.slug, actor=actor)
        for building in self.watcher.with_status("running"):
            self.watcher.audit[building.pk, "operation.cancel"] += building.kind == BUILD  # it is stopped for that
        return operation

    @rule(
        how=st.sampled_from(["cancel", "retry", "undo", "skip", "nudge"]),
        which=which,
        step=st.integers(0, 4),
        reason=reasons,
    )
    def set_going(self, how: str, which: int, step: int, reason: str) -> None:
        """Mostly where it makes no sense."""
        if operation := pick(self.watcher.operations[:3], which):
            name = self.watcher.steps_of(operation)[step % len(self.watcher.steps_of(operation))].name
            self.tell(operation, how, name, reason)

    @precondition(
        lambda self: self.watcher.with_status("queued") or any(step.status == "done" for step in self.watcher.steps)
    )
    @rule(which=which)
    def cancel(self, which: int) -> None:
        if operation := pick(self.watcher.with_status("queued", "running"), which):
            self.tell(operation, "cancel", "", "Not needed.")

    @precondition(lambda self: self.watcher.with_status(*HALTED))
    @rule(how=st.sampled_from(["retry", "undo", "skip"]), which=which)
    def mend(self, how: str, which: int) -> None:
        operation = self.watcher.with_status(*HALTED)[0]
        failed = [step for step in self.watcher.steps_of(operation) if step.status == "failed"]
        self.tell(operation, how, failed[which % len(failed)].name, "Mended.")

    def tell(self, operation: Operation, how: str, step: str, reason: str) -> None:
        asked: dict[str, Any] = {"operation": operation, "actor": self.scene.actor, "reason": reason}
        if how == "skip":
            asked["step_name"] = step
        legal_in = {"cancel": {"queued", "running"}, "nudge": LIVE}.get(how, HALTED)
        in_the_way = how in MENDING and (self.watcher.with_status(*ACTIVE) or self.is_superseded(operation))
        allowed = operation.status in legal_in and not in_the_way
        if how == "skip":
            failed = any(s.name == step and s.status == "failed" for s in self.watcher.steps_of(operation))
            allowed = allowed and failed and bool(reason.strip())
        if how == "skip" and allowed:
            self.watcher.models[operation.pk].waved_through.add(step)
        self.expect(lambda: getattr(services, f"operation_{how}")(**asked), how, allowed=allowed)

    def is_superseded(self, operation: Operation) -> bool:
        """Whether another has begun since: what was done or undone then need not be so any more."""
        later = self.watcher.operations[: self.watcher.operations.index(operation)]
        return any(op.started_at for op in later)

    def expect(self, ask: Callable[[], Operation], what: str, *, allowed: bool) -> None:
        """It is done and audited, or refused without a trace."""
        if allowed:
            self.watcher.audit[ask().pk, f"operation.{what}"] += 1
            return
        rows = self.watcher.rows()
        with pytest.raises((Conflict, Invalid)):
            ask()
        assert self.watcher.rows() == rows, f"{what} was refused, and left a trace"

    # -- what workers do

    @rule(stories=some_stories)
    def life_goes_on(self, stories: list[Fate | Death]) -> None:
        """One claim for each story; where nothing is due, the clock moves to what is due next."""
        for story in stories:
            self.tell_outside(story)
            hand = self.hire()
            if hand is None and not self.move_to_next_due():
                return
            if hand is not None:
                hand.go(story.borders if isinstance(story, Death) else None).die()
                self.outside.next_end_is_fatal = False
                self.check()

    @rule(kind=kinds, stories=some_stories)
    def something_is_asked_for_and_worked_on(self, kind: str, stories: list[Fate | Death]) -> None:
        self.ask(BUILD if self.watcher.instance.status == "pending" else kind, newer=1)
        self.check()
        self.life_goes_on(stories)

    @rule(borders=st.integers(0, 4), story=stories)
    def a_worker_begins_and_pauses(self, borders: int, story: Fate | Death) -> None:
        self.tell_outside(story)
        hand = self.hire()
        if hand is not None and hand.go(borders).is_paused:
            self.paused.append(hand)

    def tell_outside(self, story: Fate | Death) -> None:
        if isinstance(story, Death):
            self.outside.next_end_is_fatal = story is Death.AT_THE_END
        elif story is not Fate.WELL:
            self.outside.fates["look" if story in OF_LOOKS else "deed"].append(story)

    @precondition(lambda self: self.paused)
    @rule(which=which, borders=st.sampled_from([None, None, 0, 1, "dies"]))
    def a_paused_worker_goes_on(self, which: int, borders: int | Literal["dies"] | None) -> None:
        hand = self.paused.pop(which % len(self.paused))
        if borders == "dies":
            hand.die()
            return
        is_late = self.is_late(hand)
        rows, deeds = self.watcher.rows(), hand.deeds
        if hand.go(borders).is_paused:
            self.paused.append(hand)
        if is_late:
            assert hand.deeds == deeds, f"{hand.name} acted after its lease was lost"
            assert self.watcher.rows() == rows, f"{hand.name} wrote after its lease was lost"

    @precondition(lambda self: self.paused)
    @rule(which=which, how=st.sampled_from(["cancel", "nudge", ""]), kind=kinds, stories=bad_stories)
    def a_paused_worker_sleeps_past_its_lease(
        self, which: int, how: str, kind: str, stories: list[Fate | Death]
    ) -> None:
        self.time_passes("lease")
        self.check()
        if how:
            self.set_going(how, which, 0, "It takes long.")
        else:
            self.ask(kind, newer=1)
        self.check()
        self.life_goes_on(stories)
        self.check()
        self.a_paused_worker_goes_on(which, None)

    def hire(self) -> Worker | None:
        """A worker with a claim of something that nobody else holds."""
        held = {step.pk for step in self.watcher.steps if is_held(step)}
        self.workers += 1
        name = f"worker {self.workers}"
        queues = ("steps", "helm") if self.workers % 2 else ("helm", "steps")
        claim = leases.claim(queues[0], name) or leases.claim(queues[1], name)
        assert claim is None or claim.step.pk not in held, f"{name} was given what another holds"
        return Worker(name, claim) if claim else None

    def work_one(self) -> bool:
        hand = self.hire()
        if hand is None:
            return False
        hand.go()
        return True

    def is_late(self, hand: Worker) -> bool:
        """Whether its lease has run out, or somebody has claimed its step since."""
        step = Step.objects.get(pk=hand.claim.step.pk)
        is_over = step.lease_until is None or step.lease_until <= clock.now()
        return is_over or step.lease_token != hand.claim.token

    # -- what the clock and the scheduler do

    @rule(jump=st.sampled_from([1.0, 20.0, "lease", "deadline"]))
    def time_passes(self, jump: float | str) -> None:
        lengths = {"lease": settings.ENGINE_LEASE_SECONDS + 1, "deadline": DEADLINE.total_seconds() + 1}
        self.scene.traveller.shift(timedelta(seconds=lengths[jump] if isinstance(jump, str) else jump))
        scheduler.tick()
        rows = self.watcher.rows()
        scheduler.tick()
        assert self.watcher.rows() == rows, "a second scheduler changed something"

    def move_to_next_due(self) -> bool:
        at = Step.objects.filter(operation__instance=self.watcher.instance).aggregate(at=Min("due_at"))["at"]
        if at and at >= clock.now():
            self.scene.traveller.move_to(at + timedelta(milliseconds=1))
        return at is not None

    # -- how each example ends

    def teardown(self) -> None:
        """All faults gone and workers at it, whatever lives comes to an end by itself. Then nothing of it is left."""
        try:
            if sys.exc_info()[0] is None:
                self.come_to_an_end()
        finally:
            self.leave()

    def leave(self) -> None:
        """Nothing is left of this example."""
        for hand in self.paused:
            hand.die()
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def come_to_an_end(self) -> None:
        for fates in self.outside.fates.values():
            fates.clear()
        for _ in range(ROUNDS):
            scheduler.tick()
            if not self.work_one() and not self.move_to_next_due():
                break
            self.check()
        assert not self.watcher.with_status(*LIVE), f"not at an end: {self.watcher.with_status(*LIVE)}"
        assert not any(step.due_at for step in self.watcher.steps)
        connection.check_constraints()


def pick(operations: list[Operation], which: int) -> Operation | None:
    return operations[which % len(operations)] if operations else None
