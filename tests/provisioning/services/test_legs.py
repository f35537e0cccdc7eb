"""An upgrade that needs stops goes from one to the next by itself."""

import pytest

from portal.core.models import AuditEvent
from provisioning.models import Instance, Operation, Release
from provisioning.services import instance_upgrade
from provisioning.services.operations import operation_request
from provisioning.services.releases import release_withdraw
from tests.conftest import release
from tests.provisioning.rollouts.toy_fleet import end_badly, end_well, toy_workflows

pytestmark = pytest.mark.django_db
WHY = "They are far behind."


@pytest.fixture(autouse=True)
def workflows():
    with toy_workflows():
        yield


@pytest.fixture
def last() -> Release:
    """It is two stops away."""
    release("6.0.0", "major", minimum_version="5.11.0")
    release("6.5.0", minimum_version="6.0.0")
    return release("7.0.0", "major", minimum_version="6.5.0")


@pytest.fixture
def upgrade(trial_of_acme, last, by_ada) -> Operation:
    """Of acme's instance to the last, at its first leg."""
    trial_of_acme.operations.update(status="succeeded")
    Instance.objects.update(status="running")
    return instance_upgrade(instance=Instance.objects.get(), release=last, actor=by_ada, reason=WHY)


def legs() -> list[tuple[str, str]]:
    operations = Operation.objects.filter(kind="upgrade").order_by("created_at")
    return [(operation.wanted["app_version"], operation.status) for operation in operations]


def newest() -> Operation:
    return Operation.objects.filter(kind="upgrade").latest("created_at")


def test_the_first_leg_wants_the_first_stop_and_knows_where_it_goes(upgrade):
    assert upgrade.wanted["app_version"] == "6.0.0"
    assert upgrade.inputs == {"towards": "7.0.0"}


def test_each_leg_asks_for_the_next_until_it_is_there(upgrade, last, ada):
    for _ in range(3):
        end_well(newest())
    assert legs() == [("6.0.0", "succeeded"), ("6.5.0", "succeeded"), ("7.0.0", "succeeded")]
    assert Instance.objects.get().release == last
    for operation in Operation.objects.filter(kind="upgrade"):
        assert (operation.requested_by, operation.reason, operation.inputs["towards"]) == (ada, WHY, "7.0.0")


def test_a_leg_that_fails_is_the_last(upgrade):
    end_well(upgrade)
    end_badly(newest())
    assert legs() == [("6.0.0", "succeeded"), ("6.5.0", "undone")]


def test_where_the_way_has_gone_the_instance_stays_and_the_audit_says_why(upgrade, last, by_ada):
    release_withdraw(release=last, actor=by_ada, reason="It loses data.")
    end_well(upgrade)
    assert legs() == [("6.0.0", "succeeded")]
    event = AuditEvent.objects.get(action="instance.upgrade-stopped")
    assert event.reason == "7.0.0 is withdrawn: It loses data."
    assert event.details == {"at": "6.0.0", "towards": "7.0.0", "operation": upgrade.pk}
    assert (event.object_id, event.organization_id) == (upgrade.instance_id, upgrade.instance.organization_id)


def test_a_stop_that_comes_in_between_is_taken(upgrade):
    release("6.9.0", minimum_version="6.0.0")
    end_well(upgrade)
    assert newest().wanted["app_version"] == "6.9.0"


def test_what_was_asked_for_meanwhile_goes_first(upgrade, by_ada):
    operation_request(instance=upgrade.instance, kind="teardown", actor=by_ada)
    end_well(upgrade)
    assert legs() == [("6.0.0", "succeeded")]
    assert "teardown (queued) is already under way" in AuditEvent.objects.get(action="instance.upgrade-stopped").reason


def test_an_error_of_ours_does_not_keep_the_leg_from_ending(upgrade, monkeypatch, caplog):
    Release.objects.filter(app_version="7.0.0").update(app_version="7.0.1")
    end_well(upgrade)
    assert upgrade.status == "succeeded"
    assert "logs of the workers" in AuditEvent.objects.get(action="instance.upgrade-stopped").reason


def test_other_operations_are_no_legs(trial_of_acme, by_ada):
    trial_of_acme.operations.update(status="succeeded")
    Instance.objects.update(status="running")
    upgrade = instance_upgrade(instance=Instance.objects.get(), release=release("5.12.0"), actor=by_ada)
    end_well(upgrade)
    assert legs() == [("5.12.0", "succeeded")]
    assert not AuditEvent.objects.filter(action="instance.upgrade-stopped").exists()
