"""Every change of a running instance under the harness; the list of changes, and of their steps, is the registry's."""

import pytest

from provisioning.engine import graph
from provisioning.engine.graph import OnFailure
from tests.provisioning.driving import states
from tests.provisioning.workflows.harness import (
    assert_struck_at_every_point,
    assert_succeeded,
    broken_connections,
    changes,
    crashes,
    failing_at,
    in_place_of,
    run,
    twice,
)
from tests.provisioning.workflows.wishes import (
    BUILT,
    ask_again,
    ask_for,
    assert_as_its_spec_says,
    beside_what_it_always_does,
    cases,
    stages,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    # A crash in the middle of a call leaves its socket to the garbage collector; a real one takes the process along.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
every_change = pytest.mark.parametrize(("kind", "tenancy"), cases(), indirect=["tenancy"])
every_undo = pytest.mark.parametrize(("kind", "tenancy"), cases(OnFailure.UNDO), indirect=["tenancy"])


def test_every_registered_kind_and_step_is_under_the_harness():
    known = {workflow.kind for workflow in graph.workflows()}
    assert {kind for kind, _ in cases()} | BUILT == known
    undoing = [workflow for workflow in graph.workflows() if workflow.on_failure is OnFailure.UNDO]
    steps = {(workflow.kind, node.name) for workflow in undoing for node in workflow.nodes if not node.gives_up}
    assert {(kind, step) for kind, _, step in stages()} == steps


@every_change
class TestEveryChange:
    def test_it_comes_true_and_what_stands_is_left_alone(self, kind, running, by_owner, devcloud):
        operation = run(ask_for(kind, running, by_owner))
        assert_succeeded(operation)
        assert_as_its_spec_says(running)
        before = devcloud.calls()[-1]["n"]
        assert_succeeded(run(ask_again(operation, by_owner)))
        assert beside_what_it_always_does(kind, changes(devcloud.calls(since=before))) == []

    def test_every_deed_may_be_done_twice(self, kind, running, by_owner):
        operation = ask_for(kind, running, by_owner)
        with in_place_of(twice(graph.workflow_of(kind))):
            assert_succeeded(run(operation))
        assert_as_its_spec_says(running)

    def test_a_crash_at_any_point_loses_nothing(self, kind, running, by_owner):
        operation, trouble = ask_for(kind, running, by_owner), crashes()
        assert_succeeded(run(operation, trouble))
        assert_struck_at_every_point(trouble, operation)
        assert_as_its_spec_says(running)

    def test_a_connection_may_break_before_any_call(self, kind, running, by_owner, settings):
        settings.ENGINE_PACE /= 8  # what waits here waits for nothing
        assert_succeeded(run(ask_for(kind, running, by_owner), broken_connections()))
        assert_as_its_spec_says(running)

    def test_the_answer_to_the_first_change_of_every_sort_may_be_lost(self, kind, running, by_owner, devcloud):
        operation = ask_for(kind, running, by_owner)
        for verb in ("insert", "create", "patch", "update", "setSize"):
            devcloud.add_fault(f"*.{verb}", "act_then_drop", nth=1)
        for verb in ("POST", "PUT", "PATCH", "DELETE"):
            devcloud.add_fault(f"kubernetes {verb} *", "act_then_drop", nth=1)
        assert_succeeded(run(operation))
        assert_as_its_spec_says(running)


@pytest.mark.parametrize(("kind", "tenancy", "stage"), stages(), indirect=["tenancy"])
def test_a_failure_at_any_step_takes_everything_back(kind, stage, running, by_owner):
    operation = ask_for(kind, running, by_owner)
    release, size, architecture = running.release_id, running.size_id, running.architecture
    with in_place_of(failing_at(stage, twice(graph.workflow_of(kind)))):
        assert run(operation).status == "undone", (operation.error, states(operation))
    running.refresh_from_db()
    assert (running.status, running.release_id, running.size_id) == ("running", release, size)
    assert running.architecture == architecture
    assert_as_its_spec_says(running)


@every_undo
def test_a_crash_at_any_point_of_the_way_back_loses_nothing(kind, tenancy, running, by_owner):
    operation, trouble = ask_for(kind, running, by_owner), crashes()
    last = [step for of, where, step in stages() if (of, where) == (kind, tenancy)][-1]
    with in_place_of(failing_at(last, graph.workflow_of(kind))):
        assert run(operation, trouble).status == "undone", (operation.error, states(operation))
    assert_as_its_spec_says(running)
