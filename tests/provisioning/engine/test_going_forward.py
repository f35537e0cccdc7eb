"""What the engine does while all goes well, or nearly."""

import secrets
from datetime import timedelta

import pytest

from portal.core import clock as portal_clock
from portal.core.models import AuditEvent
from provisioning.engine import scheduler, worker
from provisioning.engine.action import NotYet, seconds
from provisioning.models import Operation, StepStatus
from provisioning.services import operation_request
from tests.provisioning.driving import claimed, run_to_the_end, states, work_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeping")]


def test_it_makes_everything_in_the_order_of_the_graph(world, begin, clock):
    operation = run_to_the_end(begin(), clock)
    assert operation.status == "succeeded"
    assert world.deeds == ["+ground", "+left", "+right", "+roof"]
    assert set(states(operation).values()) == {StepStatus.DONE}


def test_independent_steps_are_due_side_by_side(world, begin):
    operation = begin()
    worker.advance(claimed("w"))
    due = operation.steps.filter(due_at__isnull=False).values_list("name", flat=True)
    assert set(due) == {"left", "right"}


def test_a_step_opens_only_when_all_it_needs_is_done(world, begin, clock):
    world.wait("right", again=3600, times=3)
    operation = begin()
    work_once()
    assert states(operation) == {"ground": "done", "left": "done", "right": "waiting", "roof": "pending"}
    assert run_to_the_end(operation, clock).status == "succeeded"


def test_what_stands_already_is_adopted_and_not_made_again(world, begin, clock):
    world.there |= {"ground", "left"}
    run_to_the_end(begin(), clock)
    assert world.deeds == ["+right", "+roof"]


def test_outputs_reach_the_steps_that_come_later(world, begin, clock):
    operation = run_to_the_end(begin(), clock)
    assert operation.steps.get(name="ground").outputs == {"name": "ground"}


def test_what_its_kind_needs_beyond_the_specs_reaches_every_look(world, clock, instance, by_alice):
    inputs = {"backup": "of last night"}
    operation = operation_request(instance=instance, kind="provision", actor=by_alice, inputs=inputs)
    run_to_the_end(operation, clock)
    assert world.inputs == [inputs] * 8


def test_a_waiting_step_holds_no_worker(world, begin):
    world.wait("ground")
    begin()
    assert work_once() == 1
    assert work_once() == 0


def test_looks_with_the_same_answer_share_one_row(world, begin, clock):
    world.wait("ground", times=5)
    operation = run_to_the_end(begin(), clock)
    rows = operation.steps.get(name="ground").attempts.all()
    assert [(row.outcome, row.looks) for row in rows] == [("waiting", 5), ("done", 1)]


def test_it_is_asked_most_often_when_it_is_usually_done_and_ever_less_after(world, begin, clock):
    """Such a step usually takes a minute, and the action never wants it to rest for longer than 15 seconds."""
    world.wait("ground", again=15, times=100)
    operation = begin()
    pauses = []
    for _ in range(40):
        work_once()
        due = operation.steps.get(name="ground").due_at
        pauses.append((due - portal_clock.now()).total_seconds())
        clock.move_to(due + timedelta(milliseconds=1))
    shortest = pauses.index(min(pauses))
    assert pauses[0] == pauses[-1] == 15
    assert pauses[:shortest] == sorted(pauses[:shortest], reverse=True)
    assert pauses[shortest:] == sorted(pauses[shortest:])
    assert 35 < sum(pauses[:shortest]) < 60
    assert min(pauses) < 5


def test_not_yet_is_waited_for_and_counts_as_no_failure(world, begin, clock):
    world.script["ground", "make"].append(NotYet("the API to be enabled", seconds(5)))
    operation = begin()
    work_once()
    step = operation.steps.get(name="ground")
    assert (step.status, step.waiting_for, step.failures) == ("waiting", "the API to be enabled", 0)
    assert run_to_the_end(operation, clock).status == "succeeded"


def test_a_passing_error_is_tried_again_and_kept_in_full(world, begin, clock):
    world.script["left", "make"] += [ConnectionResetError("peer went away")] * 3
    operation = run_to_the_end(begin(), clock)
    assert operation.status == "succeeded"
    rows = list(operation.steps.get(name="left").attempts.filter(outcome="retry"))
    assert [row.message for row in rows] == ["peer went away."] * 3
    assert "ConnectionResetError" in rows[0].detail
    assert "Traceback" in rows[0].detail


def test_pauses_between_tries_grow_and_are_jittered(world, begin, clock):
    world.script["ground", "make"] += [OSError("no")] * 8
    operation = begin()
    pauses = []
    for _ in range(8):
        work_once()
        due = operation.steps.get(name="ground").due_at
        pauses.append((due - portal_clock.now()).total_seconds())
        clock.move_to(due + timedelta(milliseconds=1))
    for n, pause in enumerate(pauses):
        longest = min(60, 2 * 2**n)
        assert longest / 2 <= pause <= longest


def test_a_finished_operation_is_audited(begin, clock):
    operation = run_to_the_end(begin(), clock)
    actions = AuditEvent.objects.filter(object_id=operation.pk).values_list("action", flat=True)
    assert set(actions) == {"operation.request", "operation.succeeded"}


def test_the_scheduler_asks_two_questions_a_beat(begin, django_assert_num_queries):
    in_a_queue_of_its_own(begin())
    with django_assert_num_queries(2):
        assert scheduler.tick() == 1


def test_a_call_that_nobody_has_taken_is_not_repeated(begin):
    in_a_queue_of_its_own(begin())
    assert [scheduler.tick(), scheduler.tick()] == [1, 0]


def in_a_queue_of_its_own(operation: Operation) -> None:
    operation.steps.update(queue=secrets.token_hex(6))


def test_an_idle_fleet_wakes_nobody(begin, clock, world):
    run_to_the_end(begin(), clock)
    assert scheduler.tick() == 0


def test_settling_once_too_often_changes_nothing(begin, clock, world):
    from django.db import transaction

    from provisioning.engine import lifecycle

    world.wait("right", again=3600)
    operation = begin()
    work_once()
    before = list(operation.steps.values())
    with transaction.atomic():
        lifecycle.settle(lifecycle.lock(operation.pk))
    assert list(operation.steps.values()) == before


def test_a_step_may_not_be_due_once_settled(begin, clock):
    from django.db import IntegrityError

    operation = run_to_the_end(begin(), clock)
    with pytest.raises(IntegrityError):
        operation.steps.update(status="skipped", due_at=portal_clock.now())


def test_the_snapshot_of_the_instance_is_kept(begin, instance):
    operation: Operation = begin()
    assert operation.wanted["id"] == instance.pk
    assert operation.wanted == operation.previous
