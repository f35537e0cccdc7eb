"""Failing, undoing, being stuck, being cancelled, and getting going again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core import clock as portal_clock
from portal.core.errors import Conflict, Invalid
from portal.core.ids import instance_id
from provisioning.engine import graph, leases, worker
from provisioning.engine.graph import OnFailure
from provisioning.models import Instance, Operation
from provisioning.services import (
    operation_cancel,
    operation_request,
    operation_retry,
    operation_skip,
    operation_undo,
)
from tests.provisioning.driving import claimed, run_to_the_end, states, work_once
from tests.provisioning.engine.world import diamond, registered

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("keeping")
class TestKindsThatBuild:
    def test_they_stop_and_keep_what_they_have(self, world, begin, clock):
        world.refuse("left")
        world.wait("right", again=3600)
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "failed"
        assert operation.error == "The quota is used up. Ask for more."
        assert world.there == {"ground"}
        assert not operation.steps.filter(due_at__isnull=False).exists()

    def test_a_retry_goes_on_from_the_failed_step(self, world, begin, clock, actor):
        world.refuse("left")
        operation = run_to_the_end(begin(), clock)
        operation_retry(operation=operation, actor=actor, reason="The quota was raised.")
        assert run_to_the_end(operation, clock).status == "succeeded"
        assert world.deeds.count("+ground") == 1

    def test_a_retry_has_a_fresh_deadline_and_fresh_request_ids(self, world, begin, clock, actor):
        world.refuse("left")
        operation = run_to_the_end(begin(), clock)
        operation_retry(operation=operation, actor=actor, reason="Again.")
        step = operation.steps.get(name="left")
        assert (step.generation, step.deadline_at, step.error) == (1, None, "")

    def test_a_step_that_takes_too_long_fails_and_says_what_it_waited_for(self, world, begin, clock):
        world.wait("ground", times=10_000)
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "failed"
        assert "took longer than it may" in operation.error
        assert "waited for the cloud" in operation.error

    def test_errors_that_never_pass_fail_at_the_deadline_with_the_last_one(self, world, begin, clock):
        world.script["ground", "make"] += [OSError("no route")] * 1000
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "failed"
        assert "no route" in operation.error

    def test_a_failed_step_can_be_skipped_with_a_reason(self, world, begin, clock, actor):
        world.refuse("left")
        operation = run_to_the_end(begin(), clock)
        with pytest.raises(Invalid, match="Say why"):
            operation_skip(operation=operation, step_name="left", actor=actor, reason=" ")
        with pytest.raises(Invalid, match="has not failed"):
            operation_skip(operation=operation, step_name="ground", actor=actor, reason="Because.")
        operation_skip(operation=operation, step_name="left", actor=actor, reason="Made by hand.")
        assert run_to_the_end(operation, clock).status == "succeeded"
        assert states(operation)["left"] == "skipped"

    def test_a_failed_operation_can_be_undone(self, world, begin, clock, actor):
        world.refuse("left")
        operation = run_to_the_end(begin(), clock)
        operation_undo(operation=operation, actor=actor, reason="Not wanted any more.")
        assert run_to_the_end(operation, clock).status == "undone"
        assert world.there == set()

    def test_only_what_is_halted_can_be_set_going(self, begin, clock, actor):
        operation = begin()
        with pytest.raises(Conflict, match="is running"):
            operation_retry(operation=operation, actor=actor, reason="Again.")


@pytest.mark.usefixtures("undoing")
class TestKindsThatChange:
    def test_they_undo_by_themselves_in_reverse_the_failing_step_first(self, world, begin, clock):
        world.refuse("roof")
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "undone"
        assert operation.error == "The quota is used up. Ask for more."
        assert world.there == set()
        assert world.deeds[-3:] in (["-left", "-right", "-ground"], ["-right", "-left", "-ground"])

    def test_a_sibling_that_is_under_way_is_undone_too(self, world, begin, clock):
        world.refuse("left")
        world.wait("right", again=5, times=2)
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "undone"
        assert world.there == set()
        assert states(operation)["roof"] == "skipped"

    def test_a_sibling_that_a_worker_holds_is_undone_after_its_lease(self, world, begin, clock):
        operation = begin()
        work_once_on("ground")
        held = claimed("slow")
        world.refuse("left" if held.step.name == "right" else "right")
        work_once()
        operation.refresh_from_db()
        assert operation.status == "undoing"
        worker.advance(held)
        assert run_to_the_end(operation, clock).status == "undone"
        assert world.there == set()

    def test_a_failed_undo_is_stuck_and_goes_on_when_retried(self, world, begin, clock, actor):
        world.refuse("roof")
        world.refuse("left", "drop")
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "stuck"
        assert "Undoing “left” failed" in operation.error
        operation_retry(operation=operation, actor=actor, reason="Mended.")
        assert run_to_the_end(operation, clock).status == "undone"
        assert world.there == set()

    def test_cancelling_undoes(self, world, begin, clock, actor):
        world.wait("roof", again=3600, times=2)
        operation = begin()
        work_once()
        operation_cancel(operation=operation, actor=actor, reason="Changed our mind.")
        assert run_to_the_end(operation, clock).status == "undone"
        assert world.there == set()


@pytest.fixture
def irrevocable(world):
    """`provision` is the diamond, and undoes itself until its right side has begun."""
    with registered(diamond(world, OnFailure.UNDO, no_return="right")):
        yield


@pytest.mark.usefixtures("irrevocable")
class TestThePointOfNoReturn:
    def test_a_failure_before_it_undoes(self, world, begin, clock):
        world.refuse("ground")
        assert run_to_the_end(begin(), clock).status == "undone"

    def test_a_failure_after_it_stops_and_asks(self, world, begin, clock):
        world.refuse("roof")
        operation = run_to_the_end(begin(), clock)
        assert operation.status == "failed"
        assert world.there == {"ground", "left", "right"}

    def test_its_own_failure_stops_too(self, world, begin, clock):
        """Nobody can tell how far it got."""
        world.refuse("right")
        assert run_to_the_end(begin(), clock).status == "failed"

    @pytest.mark.parametrize(("answer", "end"), [(operation_retry, "succeeded"), (operation_undo, "undone")])
    def test_a_person_decides(self, world, begin, clock, actor, answer, end):
        world.refuse("roof")
        operation = run_to_the_end(begin(), clock)
        answer(operation=operation, actor=actor, reason="Thought about it.")
        assert run_to_the_end(operation, clock).status == end

    def test_stopped_after_it_the_operation_can_be_set_going_again(self, world, begin, clock, actor):
        world.wait("roof", again=3600)
        operation = begin()
        work_once()
        operation_cancel(operation=operation, actor=actor, reason="Wait a little.")
        operation.refresh_from_db()
        assert operation.status == "failed"
        assert "past the point" in operation.error
        operation_retry(operation=operation, actor=actor, reason="Go on.")
        assert run_to_the_end(operation, clock).status == "succeeded"


@pytest.mark.usefixtures("keeping")
class TestCancelling:
    def test_what_waits_is_stopped_at_once(self, world, begin, clock, actor):
        world.wait("left", again=3600)
        operation = begin()
        work_once()
        operation_cancel(operation=operation, actor=actor, reason="Not needed.")
        operation.refresh_from_db()
        assert operation.status == "cancelled"
        assert world.there == {"ground", "right"}

    def test_a_step_that_a_worker_holds_is_let_finish(self, world, begin, clock, actor):
        operation = begin()
        held = claimed("w")
        operation_cancel(operation=operation, actor=actor, reason="Not needed.")
        operation.refresh_from_db()
        assert operation.status == "running"
        worker.advance(held)
        operation.refresh_from_db()
        assert operation.status == "cancelled"
        assert states(operation)["ground"] == "done"

    def test_a_dead_workers_step_holds_it_up_for_no_longer_than_its_lease(self, world, begin, clock, actor, settings):
        operation = begin()
        claimed("dies")
        operation_cancel(operation=operation, actor=actor, reason="Not needed.")
        clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
        work_once()
        operation.refresh_from_db()
        assert operation.status == "cancelled"
        assert world.deeds == []

    def test_what_has_ended_cannot_be_cancelled(self, begin, clock, actor):
        operation = run_to_the_end(begin(), clock)
        with pytest.raises(Conflict, match="nothing to cancel"):
            operation_cancel(operation=operation, actor=actor, reason="Late.")


@pytest.mark.usefixtures("keeping")
class TestOneAtATime:
    def test_a_second_operation_is_queued_and_starts_when_the_first_ends(self, begin, clock, world):
        first, second = begin(), begin("teardown")
        assert (first.status, second.status) == ("running", "queued")
        run_to_the_end(first, clock)
        second.refresh_from_db()
        assert second.started_at >= first.finished_at
        assert second.status == "succeeded"

    def test_a_third_is_refused_with_the_name_of_the_first(self, begin):
        begin()
        begin("teardown")
        with pytest.raises(Conflict, match="provision \\(running\\) is already under way"):
            begin("teardown")

    def test_it_waits_for_a_worker_that_still_holds_a_step_of_a_failed_one(self, world, begin, clock):
        first = begin()
        work_once_on("ground")
        held = claimed("slow")
        world.refuse("left" if held.step.name == "right" else "right")
        work_once()
        second = begin("teardown")
        assert second.status == "queued"
        worker.advance(held)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, second.status) == ("failed", "running")

    def test_a_dead_workers_step_of_a_failed_one_is_not_made_later(self, world, begin, clock, settings):
        first = begin()
        work_once_on("ground")
        held = claimed("dies")
        world.refuse("left" if held.step.name == "right" else "right")
        work_once()
        second = begin("teardown")
        clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
        work_once()
        assert not held.step.attempts.exclude(made=[]).exists()
        assert run_to_the_end(second, clock).status == "succeeded"
        first.refresh_from_db()
        assert first.status == "failed"

    def test_the_database_itself_holds_one_active_operation(self, begin, instance):
        from django.db import IntegrityError

        begin()
        with pytest.raises(IntegrityError, match="one_active_operation_each"):
            Operation.objects.create(instance=instance, kind="teardown", status="running", wanted={})


@pytest.mark.usefixtures("keeping")
class TestLeases:
    def test_two_workers_never_hold_one_step(self, begin):
        begin()
        assert leases.claim("steps", "one") is not None
        assert leases.claim("steps", "two") is None

    def test_a_dead_workers_step_is_claimed_again(self, world, begin, clock, settings):
        operation = begin()
        claimed("dies")
        clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
        assert run_to_the_end(operation, clock).status == "succeeded"

    def test_a_late_workers_deed_is_prevented_and_its_result_refused(self, world, begin, clock, settings):
        operation = begin()
        late = claimed("paused")
        clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
        other = claimed("other")
        worker.advance(late)
        assert world.deeds == []
        assert operation.steps.get(name="ground").status == "running"
        worker.advance(other)
        assert world.deeds == ["+ground"]

    def test_a_result_under_an_old_token_is_not_written(self, world, begin, clock, settings):
        begin()
        late = claimed("paused")
        world.there.add("ground")

        def other_takes_over() -> None:
            clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))
            claimed("other")

        world.script["ground", "look"].append(other_takes_over)
        worker.advance(late)
        step = late.step
        step.refresh_from_db()
        assert (step.status, step.lease_owner) == ("running", "other")
        assert not step.attempts.exists()

    def test_holding_makes_the_lease_as_long_as_at_first(self, begin, clock, settings):
        begin()
        claim = claimed("w")
        clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS - 1))
        claim.hold()
        claim.step.refresh_from_db()
        assert claim.step.lease_until == portal_clock.now() + timedelta(seconds=settings.ENGINE_LEASE_SECONDS)


def work_once_on(name: str) -> None:
    claim = claimed("w")
    assert claim.step.name == name
    worker.advance(claim)


@pytest.mark.usefixtures("keeping")
def test_a_step_of_another_version_stops_the_operation_with_a_sentence(begin):
    operation = begin()
    operation.steps.filter(needs=[]).update(name="of-yore")
    work_once()
    operation.refresh_from_db()
    assert operation.status == "failed"
    assert "has no step “of-yore”. Retry it with the version that has it" in operation.error


@pytest.mark.usefixtures("keeping")
def test_an_operation_that_breaks_the_engine_stops_no_other(begin, instance, actor):
    broken = begin()
    operation = operation_request(instance=copy_of(instance), kind="provision", actor=actor)
    real = graph.workflow_of("provision")

    def succeeded(ended: Operation) -> None:
        if ended.pk == broken.pk:
            raise ZeroDivisionError
        real.succeeded(ended)

    with registered(replace(real, succeeded=succeeded)):
        work_once()
    operation.refresh_from_db()
    broken.refresh_from_db()
    assert (operation.status, broken.status) == ("succeeded", "running")


def copy_of(instance: Instance) -> Instance:
    copy = Instance.objects.get(pk=instance.pk)
    copy.pk, copy.slug, copy.domain = instance_id(), "toy-two", "two.example"
    copy.save(force_insert=True)
    return copy
