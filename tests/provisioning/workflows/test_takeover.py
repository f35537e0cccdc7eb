"""The region of an instance is lost, and its standby takes over; later it has a standby again, where it was before."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.conf import settings as configured

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent, Mail
from provisioning.clients.google import NotFound, api, execute
from provisioning.engine.graph import Workflow, workflow_of
from provisioning.models import Health, Instance, Operation, OperationKind
from provisioning.services import (
    instance_apply_features,
    instance_delete,
    instance_resume,
    operation_retry,
    operation_skip,
)
from provisioning.services.takeovers import instance_set_up_standby, instance_take_over
from provisioning.spec import FeatureSpec, spec_of
from provisioning.steps import names
from provisioning.workflows.takeover import TAKEOVER
from provisioning.workflows.teardown import TEARDOWN
from tests.provisioning.driving import states
from tests.provisioning.workflows.census import left_of
from tests.provisioning.workflows.harness import (
    assert_struck_at_every_point,
    assert_succeeded,
    broken_connections,
    crashes,
    failing_at,
    in_place_of,
    run,
    twice,
)
from tests.provisioning.workflows.wishes import answering_version, assert_as_its_spec_says, schema_of, seen_of, suspend
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # see test_changes
]
WHY = "The region is lost."
HOME, FAR = "us-central1", "us-east1"
HASTE = timedelta(seconds=4)
RESISTING = ("former-home", "private-connection", "private-range", "subnet", "network")  # while a region is lost
SECOND_HOME = FeatureSpec("second-home", parts=("standby",))


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Nobody waits long for a region that is lost: in life that takes minutes, and a teardown an hour."""
    with in_place_of(hasty(TAKEOVER, "former-cluster"), hasty(TEARDOWN, *RESISTING)):
        yield


@pytest.fixture
def protected(running: Instance, by_owner) -> Instance:
    """With a standby, and one backup of its volumes beside it."""
    assert_succeeded(run(instance_apply_features(instance=running, features=[SECOND_HOME], actor=by_owner)))
    running.refresh_from_db()
    backups = api("gkebackup", "v1").projects().locations().backupPlans().backups()
    plan = names.standby_plan_path(spec_of(running))
    execute(backups.create(parent=plan, backupId="one", body={}))
    eventually(lambda: execute(backups.get(name=f"{plan}/backups/one"))["state"] == "SUCCEEDED")
    return running


@pytest.fixture
def lose(devcloud):
    """Nothing in a region answers any more, or all of it again."""

    def lose(region: str = HOME, *, lost: bool = True) -> None:
        devcloud.control("PUT", "regions", {"region": region, "lost": lost})

    yield lose
    lose(lost=False)


def take_over(instance: Instance, actor) -> Operation:
    instance.refresh_from_db()
    return instance_take_over(instance=instance, confirmation=instance.slug, actor=actor, reason=WHY)


def set_up_again(instance: Instance, actor) -> Operation:
    instance.refresh_from_db()
    return instance_set_up_standby(
        instance=instance, confirmation=instance.slug, actor=actor, reason="The region is back."
    )


def servers(instance: Instance) -> dict[str, str]:
    """By name the region of each."""
    found = execute(api("sqladmin", "v1").instances().list(project=instance.pk)).get("items", ())
    return {server["name"]: server["region"] for server in found}


def clusters(instance: Instance) -> list[str]:
    found = api("container", "v1").projects().locations().clusters()
    return [each["location"] for each in execute(found.list(parent=f"projects/{instance.pk}/locations/-"))["clusters"]]


def claims(instance: Instance, devcloud) -> dict[str, str]:
    """By name the volume of each claim in the instance's cluster."""
    spec = spec_of(instance)
    kept = devcloud.control("GET", "snapshot")[f"kubernetes/{spec.id}.{names.zone(spec)}.{names.CLUSTER}"]
    found = [thing for key, thing in kept.items() if "persistentvolumeclaims" in key]
    return {claim["metadata"]["name"]: claim["spec"].get("volumeName", "") for claim in found}


class TestARegionIsLost:
    def test_the_instance_comes_up_in_the_other_one_under_its_name(self, protected, by_owner, devcloud, lose):
        version, schema = answering_version(protected), schema_of(protected)
        before = set(claims(protected, devcloud))
        lose()
        assert answering(protected) != 200
        operation = run(take_over(protected, by_owner))
        assert_succeeded(operation)
        protected.refresh_from_db()
        assert (protected.region, protected.lost_region, protected.takeovers) == (FAR, HOME, 1)
        assert (answering_version(protected), schema_of(protected)) == (version, schema)
        assert servers(protected)[names.sql_instance(spec_of(protected))] == FAR
        restored = claims(protected, devcloud)
        assert set(restored) == before
        assert all(volume.startswith("pvc-restored-") for volume in restored.values())
        assert states(operation)["former-cluster"] == "skipped"
        assert_as_its_spec_says(protected)

    def test_without_a_backup_of_the_volumes_they_begin_empty(self, running, by_owner, devcloud, lose):
        assert_succeeded(run(instance_apply_features(instance=running, features=[SECOND_HOME], actor=by_owner)))
        lose()
        assert_succeeded(run(take_over(running, by_owner)))
        running.refresh_from_db()
        assert claims(running, devcloud)
        assert not any(volume.startswith("pvc-restored-") for volume in claims(running, devcloud).values())
        assert_as_its_spec_says(running)

    def test_its_people_and_the_audit_are_told_what_was_lost(self, protected, by_owner, lose):
        Health.objects.update_or_create(
            instance=protected,
            defaults={"standby_lag_seconds": 42.0, "standby_seen_at": protected.created_at},
        )
        lose()
        assert_succeeded(run(take_over(protected, by_owner)))
        begun, ended = (Mail.objects.get(kind=kind) for kind in ("takeover-begun", "takeover-ended"))
        assert begun.recipient == by_owner.user.email
        assert (begun.context["lag"], begun.context["to_place"]) == ("42 s", "South Carolina, United States")
        assert ended.context["volumes_copied_at"]
        details = AuditEvent.objects.get(action="instance.taken-over").details
        assert (details["from"], details["to"], details["lag_seconds"]) == (HOME, FAR, 42.0)

    def test_what_leads_into_the_lost_region_is_switched_off_and_named(self, protected, by_owner, lose):
        link = FeatureSpec("our-code-host", parts=("private-connectivity",), details={"host": "git.acme.internal"})
        Instance.objects.update(features=[each.as_json() for each in (SECOND_HOME, link)])
        lose()
        assert_succeeded(run(take_over(protected, by_owner)))
        protected.refresh_from_db()
        assert [feature["name"] for feature in protected.features] == ["second-home"]
        assert Mail.objects.get(kind="takeover-ended").context["dropped"] == ["our-code-host"]

    def test_what_fails_keeps_what_it_has_and_goes_on_from_there(self, protected, by_owner, lose):
        lose()
        with in_place_of(failing_at("health", workflow_of(OperationKind.TAKEOVER))):
            operation = run(take_over(protected, by_owner))
        assert operation.status == "failed", (operation.error, states(operation))
        protected.refresh_from_db()
        assert (protected.region, protected.status) == (HOME, "running")
        operation_retry(operation=operation, actor=by_owner, reason="Mended.")
        assert_succeeded(run(operation))
        protected.refresh_from_db()
        assert protected.region == FAR

    def test_every_deed_may_be_done_twice_and_a_crash_at_any_point_loses_nothing(self, protected, by_owner, lose):
        operation, trouble = take_over(protected, by_owner), crashes()
        with in_place_of(twice(workflow_of(OperationKind.TAKEOVER))):
            assert_succeeded(run(operation, trouble))
        assert_struck_at_every_point(trouble, operation)
        protected.refresh_from_db()
        assert_as_its_spec_says(protected)

    def test_a_connection_may_break_before_any_call(self, protected, by_owner, settings):
        settings.ENGINE_PACE /= 8  # what waits here waits for nothing
        assert_succeeded(run(take_over(protected, by_owner), broken_connections()))


class TestARegionThatCanBeReached:
    def test_loses_its_cluster_and_keeps_its_database(self, protected, by_owner):
        operation = run(take_over(protected, by_owner))
        assert_succeeded(operation)
        assert states(operation)["former-cluster"] == "done"
        assert clusters(protected) == [f"{FAR}-b"]
        assert servers(protected) == {f"sql-{protected.pk}": HOME, f"sql-{protected.pk}-1": FAR}


class TestTheRegionIsBack:
    @pytest.fixture
    def moved(self, protected: Instance, by_owner, lose) -> Instance:
        lose()
        assert_succeeded(run(take_over(protected, by_owner)))
        lose(lost=False)
        protected.refresh_from_db()
        return protected

    def test_what_was_left_goes_and_the_standby_is_where_it_was_before(self, moved, by_owner):
        assert_succeeded(run(set_up_again(moved, by_owner)))
        moved.refresh_from_db()
        assert (moved.region, moved.lost_region) == (FAR, "")
        assert clusters(moved) == [f"{FAR}-b"]
        assert servers(moved) == {f"sql-{moved.pk}-1": FAR, f"sql-{moved.pk}-2": HOME}
        subnets = api("compute", "v1").subnetworks().list(project=moved.pk, region=HOME)
        assert execute(subnets).get("items", []) == []
        assert_as_its_spec_says(moved)

    def test_it_moves_back_by_another_takeover(self, moved, by_owner):
        assert_succeeded(run(set_up_again(moved, by_owner)))
        assert_succeeded(run(take_over(moved, by_owner)))
        moved.refresh_from_db()
        assert (moved.region, moved.takeovers) == (HOME, 2)
        assert answering_version(moved) == moved.release.app_version
        assert_as_its_spec_says(moved)

    def test_until_then_it_can_be_changed_and_nobody_asks_the_lost_region(self, moved, by_owner, devcloud, lose):
        lose()
        insights = FeatureSpec("insights", values={"frontend": {"env": {"DISABLE_CODE_INSIGHTS": {"value": "false"}}}})
        features = [SECOND_HOME, insights]
        assert_succeeded(run(instance_apply_features(instance=moved, features=features, actor=by_owner)))
        moved.refresh_from_db()
        assert moved.lost_region == HOME
        suspend(moved, by_owner)
        assert_succeeded(run(instance_resume(instance=moved, actor=by_owner, reason=WHY)))
        assert {type(seen).__name__ for _name, seen in seen_of(moved)} == {"AsWanted"}

    def test_torn_down_nothing_is_left_in_either(self, moved, by_owner, devcloud):
        wish = {"instance": moved, "confirmation": moved.slug, "actor": by_owner}
        assert_succeeded(run(instance_delete(**wish, final_backup=True)))
        assert left_of(moved.pk, devcloud) == []

    def test_a_teardown_while_it_is_lost_goes_on_by_a_persons_word(self, moved, by_owner, lose, by_ada):
        lose()
        wish = {"instance": moved, "confirmation": moved.slug, "actor": by_owner}
        operation = run(instance_delete(**wish, final_backup=False))
        assert (operation.status, states(operation)["former-home"]) == ("failed", "failed")
        why = "It goes with the project."
        operation_skip(operation=operation, step_name="former-home", actor=by_ada, reason=why)
        assert_succeeded(run(operation))
        assert states(operation)["database"] == "done"


class TestItIsRefused:
    def test_without_a_standby(self, running, by_owner):
        with pytest.raises(Invalid, match="has no standby"):
            take_over(running, by_owner)

    def test_once_it_has_taken_over(self, protected, by_owner):
        Instance.objects.update(takeovers=1, lost_region=FAR)
        with pytest.raises(Invalid, match="has no standby since"):
            take_over(protected, by_owner)

    def test_without_its_name_or_a_reason(self, protected, by_owner):
        for wish in ({"confirmation": "globex", "reason": WHY}, {"confirmation": protected.slug, "reason": " "}):
            with pytest.raises(Invalid):
                instance_take_over(instance=protected, actor=by_owner, **wish)
        assert not Operation.objects.filter(kind="takeover").exists()

    def test_where_the_standby_is_gone_before_anything_is_changed(self, protected, by_owner, devcloud):
        spec = spec_of(protected)
        place = {"project": spec.id, "instance": names.standby_instance(spec)}
        instances = api("sqladmin", "v1").instances()
        execute(instances.patch(**place, body={"settings": {"deletionProtectionEnabled": False}}))
        eventually(lambda: not execute(instances.get(**place))["settings"]["deletionProtectionEnabled"])
        execute(instances.delete(**place))
        eventually(lambda: is_gone(place))
        operation = run(take_over(protected, by_owner))
        assert operation.status == "failed"
        assert "no standby of the databases" in operation.error

    def test_setting_it_up_where_nothing_is_lost(self, protected, by_owner):
        with pytest.raises(Invalid, match="has lost no region"):
            set_up_again(protected, by_owner)

    def test_while_something_else_is_under_way(self, protected, by_owner):
        instance_apply_features(instance=protected, features=[], actor=by_owner)
        with pytest.raises(Conflict):
            take_over(protected, by_owner)


def answering(instance: Instance) -> int:
    headers = {"Host": instance.domain}
    return httpx.get(f"{configured.INSTANCE_GATEWAY}/healthz", headers=headers, trust_env=False).status_code


def is_gone(place: dict[str, str]) -> bool:
    try:
        execute(api("sqladmin", "v1").instances().get(**place))
    except NotFound:
        return True
    return False


def hasty(workflow: Workflow, *steps: str) -> Workflow:
    """The workflow, whose steps of these names have some seconds."""
    nodes = (replace(node, deadline=HASTE) if node.name in steps else node for node in workflow.nodes)
    return replace(workflow, nodes=tuple(nodes))
