"""Every workflow under the harness: twice, with errors, with crashes; and a teardown that leaves nothing."""

import pytest

from portal.core.models import Mail
from provisioning.engine import graph
from provisioning.models import Instance, Kind, Operation, OperationKind, StepStatus, Tenancy
from provisioning.services import instance_create, instance_delete, operation_cancel, operation_request, operation_undo
from provisioning.services.instances import Wish
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.teardown import TEARDOWN
from tests.provisioning.driving import states
from tests.provisioning.workflows.census import left_of
from tests.provisioning.workflows.harness import (
    assert_struck_at_every_point,
    assert_succeeded,
    begin_again,
    broken_connections,
    changes,
    crashes,
    in_place_of,
    run,
    run_until_begun,
    twice,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    # A crash in the middle of a call leaves its socket to the garbage collector; a real one takes the process along.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def tear_down(instance, by_alice):
    """Asks for a teardown with a final backup, if there is anything, and makes sure that nothing else is left."""

    def tear_down(*args, **options) -> None:
        instance.refresh_from_db()
        wish = {"instance": instance, "confirmation": instance.slug, "actor": by_alice}
        operation = instance_delete(**wish, final_backup=instance.tenancy == Tenancy.DEDICATED)
        assert_succeeded(run(operation, *args, **options))

    return tear_down


@pytest.fixture
def another(instance, acme, by_alice):
    """Builds and destroys a second instance like the first."""
    made: list[Instance] = []

    def build() -> Operation:
        wish = Wish("acme-two", Kind.INTERNAL, cluster=instance.cluster)
        made.append(instance_create(organization=acme, wish=wish, actor=by_alice))
        return made[0].operations.get()

    def destroy() -> Operation:
        inputs = {"final_backup": True}
        return operation_request(instance=made[0], kind=OperationKind.TEARDOWN, actor=by_alice, inputs=inputs)

    return build, destroy


@pytest.fixture
def nothing_is_left(devcloud, instance):
    yield
    instance.refresh_from_db()
    assert instance.status == "deleted"
    assert left_of(instance.pk, devcloud) == [], "\n".join(left_of(instance.pk, devcloud))


@pytest.mark.parametrize("tenancy", ["dedicated", "byok"], indirect=True)
@pytest.mark.usefixtures("nothing_is_left")
class TestBothWorkflows:
    def test_an_instance_comes_up_and_is_torn_down(self, instance, provision, tear_down, devcloud):
        assert_succeeded(run(provision))
        instance.refresh_from_db()
        assert (instance.status, instance.ready_at is not None) == ("running", True)
        assert Mail.objects.get().kind == "instance-ready"
        tear_down()

    def test_every_deed_may_be_done_twice(self, provision, tear_down):
        with in_place_of(twice(PROVISION), twice(TEARDOWN)):
            assert_succeeded(run(provision))
            tear_down()

    def test_a_crash_at_any_point_loses_nothing(self, provision, tear_down):
        building, destroying = crashes(), crashes()
        assert_succeeded(run(provision, building))
        tear_down(destroying)
        assert_struck_at_every_point(building, provision)
        assert_struck_at_every_point(destroying, provision.instance.operations.get(kind="teardown"))

    def test_a_connection_may_break_before_any_call(self, provision, tear_down, settings):
        settings.ENGINE_PACE /= 8  # what waits here waits for nothing
        assert_succeeded(run(provision, broken_connections()))
        tear_down(broken_connections())

    def test_the_answer_to_the_first_change_of_every_sort_may_be_lost(self, provision, tear_down, devcloud, another):
        assert_succeeded(run(provision))
        tear_down()
        for method in {call["method"] for call in changes(devcloud.calls())}:
            devcloud.add_fault(method, "act_then_drop", nth=1)
        building, destroying = another
        assert_succeeded(run(building()))
        assert_succeeded(run(destroying()))
        assert sum(call["status"] == 0 for call in devcloud.calls()) > 10

    def test_what_stands_is_left_alone(self, provision, tear_down, devcloud):
        assert_succeeded(run(provision))
        before = devcloud.calls()[-1]["n"]
        begin_again(provision)
        assert_succeeded(run(provision))
        assert changes(devcloud.calls(since=before)) == []
        tear_down()

    def test_a_provisioning_can_be_undone(self, instance, provision, by_alice, devcloud, tear_down):
        assert_succeeded(run(provision))
        fail_at_the_last_step(provision)
        operation_undo(operation=provision, actor=by_alice, reason="Not wanted.")
        with in_place_of(twice(PROVISION)):
            assert run(provision).status == "undone", (provision.error, states(provision))
        assert left_of(instance.pk, devcloud) == [], "\n".join(left_of(instance.pk, devcloud))
        tear_down()


STAGES = [node.name for node in graph.order(PROVISION.nodes) if not node.tenancies or "dedicated" in node.tenancies]


@pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.usefixtures("nothing_is_left")
def test_a_teardown_is_clean_at_any_stage(stage, provision, tear_down, by_alice):
    run_until_begun(provision, stage)
    if provision.is_live:
        operation_cancel(operation=provision, actor=by_alice, reason="Changed our mind.")
    tear_down()


def fail_at_the_last_step(operation: Operation) -> None:
    operation.steps.filter(position=operation.steps.count() - 1).update(status=StepStatus.FAILED)
    Operation.objects.filter(pk=operation.pk).update(status="failed")
    operation.refresh_from_db()
    Instance.objects.filter(pk=operation.instance_id).update(status="pending")
