"""Every change of a running instance under the harness; the list of changes, and of their steps, is the registry's."""

import pytest

from provisioning.engine import graph
from provisioning.engine.graph import OnFailure
from provisioning.services import operation_request
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
from tests.provisioning.workflows.wishes import BUILT, ask_for, assert_as_its_spec_says, cases, stages

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
    assert {(kind, step) for kind, _, step in stages()} == {(w.kind, node.name) for w in undoing for node in w.nodes}


@every_change
class TestEveryChange:
    def test_it_comes_true_and_what_stands_is_left_alone(self, kind, running, by_owner, devcloud):
        assert_succeeded(run(ask_for(kind, running, by_owner)))
        assert_as_its_spec_says(running)
        before = devcloud.calls()[-1]["n"]
        assert_succeeded(run(operation_request(instance=running, kind=kind, actor=by_owner)))
        assert changes(devcloud.calls(since=before)) == []

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
    release, size = running.release_id, running.size_id
    with in_place_of(failing_at(stage, twice(graph.workflow_of(kind)))):
        assert run(operation).status == "undone", (operation.error, states(operation))
    running.refresh_from_db()
    assert (running.status, running.release_id, running.size_id) == ("running", release, size)
    assert_as_its_spec_says(running)


@every_undo
def test_a_crash_at_any_point_of_the_way_back_loses_nothing(kind, running, by_owner):
    operation, trouble = ask_for(kind, running, by_owner), crashes()
    last = graph.order(graph.workflow_of(kind).nodes)[-1].name
    with in_place_of(failing_at(last, graph.workflow_of(kind))):
        assert run(operation, trouble).status == "undone", (operation.error, states(operation))
    assert_as_its_spec_says(running)
