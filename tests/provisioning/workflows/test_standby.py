"""A standby while nothing is lost: switched on and off, and out of the way of what is done to what it follows."""

import pytest

from provisioning.clients.google import api, execute
from provisioning.models import Instance, OperationKind, Size
from provisioning.services import instance_apply_features, instance_resize, instance_resume, operation_request
from provisioning.services.restoring import instance_restore
from provisioning.spec import FeatureSpec, spec_of
from provisioning.steps import names
from provisioning.workflows.resize import RESIZE
from tests.provisioning.workflows.harness import assert_succeeded, changes, failing_at, in_place_of, run
from tests.provisioning.workflows.wishes import assert_as_its_spec_says, fail_too_late, suspend

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]
HOME, FAR = "us-central1", "us-east1"
SECOND_HOME = FeatureSpec("second-home", parts=("standby",))


@pytest.fixture
def protected(running: Instance, by_owner) -> Instance:
    assert_succeeded(run(instance_apply_features(instance=running, features=[SECOND_HOME], actor=by_owner)))
    running.refresh_from_db()
    return running


def tiers(instance: Instance) -> dict[str, str]:
    """By name the machine of each server."""
    found = execute(api("sqladmin", "v1").instances().list(project=instance.pk)).get("items", ())
    return {server["name"]: server["settings"]["tier"] for server in found}


def both(instance: Instance) -> tuple[str, str]:
    spec = spec_of(instance)
    return names.sql_instance(spec), names.standby_instance(spec)


def plans(instance: Instance, region: str) -> list[str]:
    collection = api("gkebackup", "v1").projects().locations().backupPlans()
    found = execute(collection.list(parent=f"projects/{instance.pk}/locations/{region}")).get("backupPlans", ())
    return [plan["name"].rpartition("/")[2] for plan in found]


def patched(devcloud, since: int) -> list[str]:
    """The servers that were changed, in the order in which they were."""
    calls = [call for call in changes(devcloud.calls(since=since)) if call["method"] == "sql.instances.patch"]
    return [call["path"].rpartition("/")[2] for call in calls]


def test_switched_on_there_is_a_server_that_follows_and_a_plan_beside_it(protected):
    assert set(tiers(protected)) == set(both(protected))
    assert (plans(protected, HOME), plans(protected, FAR)) == (["daily"], ["standby"])


def test_switched_off_nothing_is_left_of_it(protected, by_owner):
    assert_succeeded(run(instance_apply_features(instance=protected, features=[], actor=by_owner)))
    protected.refresh_from_db()
    assert set(tiers(protected)) == {both(protected)[0]}
    assert (plans(protected, HOME), plans(protected, FAR)) == (["daily"], [])
    assert_as_its_spec_says(protected)


def test_it_grows_before_what_it_follows_and_shrinks_after_it(protected, by_owner, devcloud):
    server, standby = both(protected)
    for size, order in (("l", [standby, server]), ("xs", [server, standby])):
        begun = devcloud.calls()[-1]["n"]
        protected.refresh_from_db()
        wish = {"instance": protected, "size": Size.objects.get(pk=size), "actor": by_owner}
        assert_succeeded(run(instance_resize(**wish)))
        protected.refresh_from_db()
        assert list(dict.fromkeys(patched(devcloud, begun))) == order
        assert set(tiers(protected).values()) == {protected.size.sql_tier}
        assert_as_its_spec_says(protected)


@pytest.mark.parametrize("stage", ["grown-standby", "database", "standby-database", "health"])
def test_a_resize_that_fails_takes_both_back(protected, by_owner, stage):
    before = tiers(protected)
    with in_place_of(failing_at(stage, RESIZE)):
        wish = {"instance": protected, "size": Size.objects.get(pk="l"), "actor": by_owner}
        operation = run(instance_resize(**wish))
    assert operation.status == "undone", operation.error
    assert tiers(protected) == before
    protected.refresh_from_db()
    assert_as_its_spec_says(protected)


def test_a_suspension_has_none_and_a_return_has_one_again(protected, by_owner):
    suspend(protected, by_owner)
    assert set(tiers(protected)) == {both(protected)[0]}
    assert_as_its_spec_says(protected)
    assert_succeeded(run(instance_resume(instance=protected, actor=by_owner, reason="They have paid.")))
    assert set(tiers(protected)) == set(both(protected))
    assert_as_its_spec_says(protected)


def test_a_restore_goes_without_and_it_is_made_anew(protected, by_owner):
    upgrade = fail_too_late(protected, by_owner)
    assert_succeeded(run(instance_restore(operation=upgrade, actor=by_owner, reason="It came too late.")))
    assert set(tiers(protected)) == set(both(protected))
    assert_as_its_spec_says(protected)


def test_one_that_somebody_has_promoted_is_a_persons_business(protected, by_owner):
    _server, standby = both(protected)
    instances = api("sqladmin", "v1").instances()
    execute(instances.promoteReplica(project=protected.pk, instance=standby))
    operation = run(operation_request(instance=protected, kind=OperationKind.REPAIR, actor=by_owner))
    assert operation.status == "failed"
    assert "Delete" in operation.error
