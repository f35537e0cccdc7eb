"""Asking for an instance to be switched off, and on again."""

import pytest

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Cluster, Instance, Operation
from provisioning.services import instance_delete, instance_resume, instance_suspend, resumed, suspended
from provisioning.services.architectures import migrated
from provisioning.services.restoring import rolled_back
from provisioning.spec import InstanceSpec, spec_of
from tests.conftest import SUSPENDED, release

WHY = "Nobody has paid since May."


@pytest.fixture
def running(trial_of_acme) -> Instance:
    trial_of_acme.operations.update(status="succeeded")
    Instance.objects.update(status="running")
    return Instance.objects.select_related("release", "size").get()


@pytest.fixture
def asleep(running: Instance) -> Instance:
    Instance.objects.update(**SUSPENDED)
    running.refresh_from_db()
    return running


def suspend(instance, actor, notice="payment") -> Operation:
    return instance_suspend(instance=instance, notice=notice, actor=actor, reason=WHY)


def resume(instance, actor) -> Operation:
    return instance_resume(instance=instance, actor=actor, reason="They have paid.")


class TestASuspension:
    def test_wants_the_same_switched_off_and_is_audited(self, running, by_ada):
        operation = suspend(running, by_ada)
        assert (operation.kind, operation.status, operation.inputs) == ("suspend", "running", {"notice": "payment"})
        assert operation.previous
        assert operation.wanted == operation.previous | {"is_suspended": True}
        assert InstanceSpec.from_json(operation.previous) == spec_of(running)
        event = AuditEvent.objects.get(action="operation.request", details__kind="suspend")
        assert (event.reason, event.actor_label) == (WHY, by_ada.label)
        assert event.organization_id == running.organization_id

    def test_leaves_what_is_true_to_its_end(self, running, by_ada):
        suspend(running, by_ada)
        running.refresh_from_db()
        assert (running.status, running.suspended_at, running.suspended_because) == ("running", None, "")

    def test_says_why_in_one_of_four_ways(self, running, by_ada):
        with pytest.raises(Invalid, match="trial-ended, payment, ended, by-us") as refused:
            suspend(running, by_ada, notice="they are annoying")
        assert refused.value.field == "notice"
        assert not running.operations.filter(kind="suspend").exists()

    def test_is_not_asked_for_twice(self, running, by_ada):
        suspend(running, by_ada)
        with pytest.raises(Conflict, match=r"suspend \(running\) is already under way"):
            suspend(running, by_ada)

    @pytest.mark.parametrize("status", ["pending", "deleted"])
    def test_is_of_a_running_instance(self, running, by_ada, status):
        Instance.objects.update(status=status)
        with pytest.raises(Conflict, match=f"can be suspended; this one is {status}"):
            suspend(running, by_ada)

    def test_is_not_of_a_suspended_one(self, asleep, by_ada):
        with pytest.raises(Conflict, match="is suspended already"):
            suspend(asleep, by_ada)

    def test_is_refused_on_a_cluster_that_somebody_brings(self, running, by_ada):
        theirs = {"organization": running.organization, "name": "theirs", "kubeconfig_encrypted": b""}
        cluster = Cluster.objects.create(**theirs, created_by=by_ada.user)
        Instance.objects.update(tenancy="byok", cluster=cluster)
        with pytest.raises(Invalid, match="is up to them"):
            suspend(running, by_ada)

    def test_a_plan_needs_no_operation(self, running):
        assert suspended(running).is_suspended
        assert not running.operations.filter(kind="suspend").exists()


class TestAReturn:
    def test_wants_the_same_switched_on(self, asleep, by_ada):
        operation = resume(asleep, by_ada)
        assert (operation.kind, operation.status) == ("resume", "running")
        assert operation.previous == operation.wanted | {"is_suspended": True}
        assert not resumed(asleep).is_suspended

    def test_is_of_a_suspended_instance(self, running, by_ada):
        with pytest.raises(Conflict, match="Only a suspended instance can be resumed; this one is running"):
            resume(running, by_ada)

    def test_is_not_asked_for_twice(self, asleep, by_ada):
        resume(asleep, by_ada)
        with pytest.raises(Conflict, match=r"resume \(running\) is already under way"):
            resume(asleep, by_ada)


def test_everything_else_waits_until_it_is_resumed(asleep):
    for ask in (lambda: rolled_back(asleep, release("5.10.0")), lambda: migrated(asleep, "1.1")):
        with pytest.raises(Conflict, match=r"this one is suspended\. Resume it first\."):
            ask()


def test_it_can_be_deleted_as_it_is(asleep, by_alice):
    teardown = instance_delete(instance=asleep, confirmation="acme", actor=by_alice)
    assert teardown.wanted["is_suspended"]


def test_a_worker_of_the_version_before_reads_what_is_not_suspended(running):
    """It knows of no such field, and would refuse it."""
    assert "is_suspended" not in spec_of(running).as_json()
    assert InstanceSpec.from_json(spec_of(running).as_json()) == spec_of(running)


def test_a_suspended_one_reads_back_as_such(asleep):
    assert InstanceSpec.from_json(spec_of(asleep).as_json()).is_suspended
