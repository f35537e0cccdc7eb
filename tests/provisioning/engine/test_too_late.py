"""Whoever comes late changes nothing: a worker after its lease, a person after another operation has begun.

The machine (machine.py) found these; here they are in as few moves as they take.
"""

from datetime import timedelta

import pytest

from portal.core import clock as portal_clock
from portal.core.errors import Conflict
from provisioning.engine import worker
from provisioning.engine.graph import Goal, OnFailure
from provisioning.services import operation_cancel, operation_retry, operation_skip, operation_undo
from tests.provisioning.driving import claimed, run_to_the_end, states, work_once
from tests.provisioning.engine.world import diamond, registered

pytestmark = pytest.mark.django_db


@pytest.fixture
def sleep(clock, settings):
    """Longer than a lease."""
    return lambda: clock.shift(timedelta(seconds=settings.ENGINE_LEASE_SECONDS + 1))


@pytest.fixture
def paused(world):
    """A worker has looked at one side of the diamond when it is paused; it goes on after `meanwhile`."""

    def paused(meanwhile) -> str:
        worker.advance(claimed("ground"))
        late = claimed("late")
        world.refuse("left" if late.step.name == "right" else "right")
        world.script[late.step.name, "look"].append(meanwhile)
        worker.advance(late)
        return late.step.name

    return paused


@pytest.mark.usefixtures("undoing")
def test_a_worker_makes_nothing_of_a_step_that_was_turned_back(world, begin, clock, sleep, paused):
    operation = begin()

    def the_other_side_fails() -> None:
        sleep()
        worker.advance(claimed("other"))

    side = paused(the_other_side_fails)
    assert f"+{side}" not in world.deeds
    assert run_to_the_end(operation, clock).status == "undone"
    assert world.there == set()


@pytest.mark.usefixtures("keeping")
def test_a_worker_makes_nothing_behind_the_back_of_a_teardown(world, begin, sleep, paused):
    begin()

    def a_teardown_begins() -> None:
        worker.advance(claimed("other"))
        sleep()
        assert begin("teardown").status == "running"

    paused(a_teardown_begins)
    assert world.deeds == ["+ground"]


@pytest.mark.usefixtures("keeping")
def test_a_result_is_not_written_after_the_lease_though_nobody_else_has_claimed(world, begin, clock, sleep):
    world.there.add("ground")
    operation = begin()
    world.script["ground", "look"].append(sleep)
    worker.advance(claimed("late"))
    assert states(operation)["ground"] == "running"
    assert run_to_the_end(operation, clock).status == "succeeded"


@pytest.mark.usefixtures("keeping")
@pytest.mark.parametrize("set_going", [operation_retry, operation_skip, operation_undo])
def test_what_another_operation_came_after_is_not_set_going_again(set_going, world, begin, clock, actor):
    world.refuse("left")
    failed = run_to_the_end(begin(), clock)
    clock.shift(timedelta(seconds=1))
    run_to_the_end(begin("teardown"), clock)
    step = {"step_name": "left"} if set_going is operation_skip else {}
    with pytest.raises(Conflict, match="teardown has begun since"):
        set_going(operation=failed, actor=actor, reason="It looked easy.", **step)


@pytest.mark.usefixtures("keeping")
def test_nor_is_it_when_the_other_was_cancelled_half_way(world, begin, clock, actor):
    world.refuse("roof")
    failed = run_to_the_end(begin(), clock)
    clock.shift(timedelta(seconds=1))
    teardown = begin("teardown")
    worker.advance(claimed("w"))
    run_to_the_end(operation_cancel(operation=teardown, actor=actor, reason="Keep it after all."), clock)
    with pytest.raises(Conflict, match="teardown has begun since"):
        operation_retry(operation=failed, actor=actor, reason="What it made may be gone.")


@pytest.mark.usefixtures("keeping")
def test_what_another_operation_only_waits_behind_is_set_going(world, begin, clock, actor):
    begin()
    worker.advance(claimed("ground"))
    held = claimed("slow")
    world.refuse("left" if held.step.name == "right" else "right")
    work_once()
    assert begin("teardown").status == "queued"
    operation = operation_retry(operation=held.step.operation, actor=actor, reason="Mended.")
    assert operation.status == "running"


@pytest.mark.usefixtures("keeping")
def test_a_teardown_is_told_when_something_was_last_asked_for(world, begin, clock):
    """What an operation before it had just begun may come behind its back."""
    world.refuse("left")
    began = portal_clock.now()
    run_to_the_end(begin(), clock)
    with registered(diamond(world, OnFailure.KEEP, Goal.ABSENT, kind="teardown")):
        clock.shift(60)
        world.asked_at.clear()
        run_to_the_end(begin("teardown"), clock)
    assert world.there == set()
    assert world.asked_at["ground"] is not None
    assert began <= world.asked_at["ground"] < began + timedelta(seconds=60)
    assert world.asked_at["roof"] is None, "nobody has come so far"
