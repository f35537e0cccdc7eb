"""Asking for changes of a running instance."""

import threading

import pytest
from django.db import connection

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance, Size
from provisioning.services import (
    instance_apply_features,
    instance_repair,
    instance_resize,
    instance_upgrade,
    resized,
    upgraded,
)
from provisioning.spec import FeatureSpec, InstanceSpec, spec_of
from tests.conftest import SUSPENDED, release


@pytest.fixture
def running(trial_of_acme) -> Instance:
    trial_of_acme.operations.update(status="succeeded")
    Instance.objects.update(status="running")
    return Instance.objects.get()


@pytest.fixture
def larger(offered) -> Size:
    return Size.objects.create(
        name="s", users=100, position=2, machine_type="m2", node_count=2, sql_tier="t2", sql_disk_gb=50,
        gitserver_disk_gb=20, search_disk_gb=5, infrastructure_cents=44_800,
    )  # fmt: skip


class TestAnUpgrade:
    def test_wants_the_release_and_remembers_the_one_before(self, running, by_alice):
        operation = instance_upgrade(instance=running, release=release("5.12.0"), actor=by_alice, reason="New.")
        assert (operation.kind, operation.status) == ("upgrade", "running")
        assert operation.previous == spec_of(running).as_json()
        assert operation.wanted == operation.previous | {"app_version": "5.12.0"}
        assert operation.inputs == {"towards": "5.12.0"}
        event = AuditEvent.objects.get(action="operation.request", details__kind="upgrade")
        assert (event.reason, event.actor_label) == ("New.", by_alice.label)

    @pytest.mark.parametrize(
        ("version", "says"),
        [("5.11.0", "has version 5.11.0 already"), ("5.9.3", "older"), ("5.11.0-rc.1", "older")],
    )
    def test_goes_only_forward(self, running, by_alice, version, says):
        with pytest.raises(Invalid, match=says) as refused:
            instance_upgrade(instance=running, release=release(version), actor=by_alice)
        assert refused.value.field == "release"

    def test_a_plan_needs_no_operation(self, running):
        assert upgraded(running, release("5.12.0")).app_version == "5.12.0"
        assert not running.operations.filter(kind="upgrade").exists()


class TestAResize:
    def test_wants_the_size_on_the_larger_of_the_disks(self, running, larger, by_alice):
        running.disk_floor_gb = {"search_disk_gb": 9}
        running.save()
        operation = instance_resize(instance=running, size=larger, actor=by_alice)
        size = operation.wanted["size"]
        assert (size["name"], size["sql_disk_gb"], size["search_disk_gb"]) == ("s", 50, 9)
        assert operation.previous == spec_of(running).as_json()

    def test_to_the_same_size_is_refused(self, running, by_alice):
        with pytest.raises(Invalid, match="has size xs already"):
            instance_resize(instance=running, size=running.size, actor=by_alice)

    def test_to_a_smaller_one_keeps_the_disks(self, running, larger):
        running.size, smaller = larger, running.size
        assert resized(running, smaller).size.disks == spec_of(running).size.disks


class TestFeatures:
    def test_all_of_them_are_one_operation_in_an_order_of_their_own(self, running, by_alice):
        features = [FeatureSpec("b", parts=("static-address",)), FeatureSpec("a", units=3)]
        operation = instance_apply_features(instance=running, features=features, actor=by_alice)
        assert [feature["name"] for feature in operation.wanted["features"]] == ["a", "b"]
        assert InstanceSpec.from_json(operation.wanted).features == tuple(reversed(features))
        assert operation.previous == spec_of(running).as_json()

    def test_what_is_on_already_is_not_asked_for_again(self, running, by_alice):
        feature = FeatureSpec("a", values={"worker": {"env": {"A": {"value": "b"}}}})
        running.features = [feature.as_json()]
        running.save()
        with pytest.raises(Conflict, match="just these features already"):
            instance_apply_features(instance=running, features=[feature], actor=by_alice)

    def test_what_has_no_step_is_refused(self, running, by_alice):
        with pytest.raises(Invalid, match="no step yet"):
            instance_apply_features(instance=running, features=[FeatureSpec("a", parts=("b",))], actor=by_alice)


def test_a_repair_wants_what_the_instance_is(running, by_alice):
    operation = instance_repair(instance=running, actor=by_alice, reason="Drift.")
    assert operation.kind == "repair"
    assert operation.wanted == operation.previous
    assert InstanceSpec.from_json(operation.wanted) == spec_of(running)


@pytest.mark.parametrize("status", ["pending", "suspended", "deleted"])
def test_only_a_running_instance_is_changed(running, larger, by_alice, status):
    Instance.objects.update(**(SUSPENDED if status == "suspended" else {"status": status}))
    running.refresh_from_db()
    says = f"this one is {status}. Resume it first." if status == "suspended" else f"this one is {status}."
    for ask in (
        lambda: instance_upgrade(instance=running, release=release("5.12.0"), actor=by_alice),
        lambda: instance_resize(instance=running, size=larger, actor=by_alice),
        lambda: instance_repair(instance=running, actor=by_alice),
    ):
        with pytest.raises(Conflict) as refused:
            ask()
        assert str(refused.value).endswith(says)


def test_a_change_is_not_queued_behind_another(running, larger, by_alice):
    """Its spec would be of before the other."""
    instance_upgrade(instance=running, release=release("5.12.0"), actor=by_alice)
    with pytest.raises(Conflict, match=r"upgrade \(running\) is already under way"):
        instance_resize(instance=running, size=larger, actor=by_alice)


def test_an_outdated_row_does_not_decide(running, by_alice):
    """The page was loaded before the upgrade."""
    Instance.objects.update(release=release("5.12.0"))
    with pytest.raises(Invalid, match=r"has version 5\.12\.0 already"):
        instance_upgrade(instance=running, release=release("5.12.0"), actor=by_alice)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one_upgrade(running, by_alice):
    wanted, outcomes, barrier = release("5.12.0"), list[str](), threading.Barrier(3)

    def click() -> None:
        try:
            barrier.wait()
            instance_upgrade(instance=running, release=wanted, actor=by_alice)
            outcomes.append("asked")
        except Conflict:
            outcomes.append("refused")
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(3)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(outcomes) == ["asked", "refused", "refused"]
    assert running.operations.filter(kind="upgrade").count() == 1
