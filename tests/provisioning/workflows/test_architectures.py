"""The first architecture through its life, and from one to the next: forth, back, and gone without a trace."""

from dataclasses import replace
from typing import Any

import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import CronJob
from lightkube.resources.core_v1 import Pod, Secret

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.clients.google import api, execute
from provisioning.clients.kubernetes import connected, name_of
from provisioning.engine.action import AsWanted, Differs
from provisioning.fleet.architectures import ARCHITECTURES, Architecture
from provisioning.models import Instance, Operation, OperationKind, StepStatus
from provisioning.services import instance_repair, instance_upgrade, operation_request, operation_undo
from provisioning.services.architectures import instance_migrate_architecture, migrated
from provisioning.spec import spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.workflows.migrate_architecture import MIGRATE_ARCHITECTURE
from tests.provisioning.driving import states
from tests.provisioning.workflows.census import left_of
from tests.provisioning.workflows.harness import assert_succeeded, changes, failing_at, in_place_of, run
from tests.provisioning.workflows.wishes import assert_as_its_spec_says, damage, newest, schema_of, seen_of
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]


@pytest.fixture
def architecture() -> str:
    """What `running` is built by."""
    return "1.0"


@pytest.fixture
def next_one(monkeypatch) -> Architecture:
    """A made-up 1.3, which is no more than this value."""
    made_up = replace(ARCHITECTURES["1.2"], number="1.3", came_from="1.2", backup_plan=False)
    monkeypatch.setitem(ARCHITECTURES, "1.3", made_up)
    return made_up


@pytest.fixture
def move(running, by_owner):
    def move(to: str = "1.1") -> Operation:
        return run(instance_migrate_architecture(instance=running, architecture=to, actor=by_owner, reason="Safer."))

    return move


@pytest.fixture
def tear_down(running, by_owner, devcloud):
    """It is torn down, and nothing of it is left, whatever it has been through."""

    def tear_down() -> None:
        assert_succeeded(run(operation_request(instance=running, kind=OperationKind.TEARDOWN, actor=by_owner)))
        assert left_of(running.pk, devcloud) == []

    return tear_down


def server(instance: Instance) -> dict[str, Any]:
    place = {"project": instance.pk, "instance": names.sql_instance(spec_of(instance))}
    return execute(api("sqladmin", "v1").instances().get(**place))


def reached_at(instance: Instance) -> list[str]:
    """The kinds of addresses that its database server has."""
    return [address["type"] for address in server(instance)["ipAddresses"]]


def nodes(instance: Instance) -> tuple[bool, str]:
    """Whether they are private, and whose metadata pods are told."""
    clusters = api("container", "v1").projects().locations().clusters()
    [pool] = execute(clusters.get(name=names.cluster_path(spec_of(instance))))["nodePools"]
    return pool["networkConfig"].get("enablePrivateNodes", False), pool["config"]["workloadMetadataConfig"]["mode"]


def has_proxy(instance: Instance) -> bool:
    spec = spec_of(instance)
    with connected(kubeconfig_for(spec)) as cluster:
        found = cluster.list(Deployment, namespace=names.namespace(spec))
        return names.DATABASE_PROXY in [name_of(item) for item in found]


def pods_of(instance: Instance) -> set[str]:
    """By their uids, but those of what comes and goes by itself."""
    spec = spec_of(instance)
    with connected(kubeconfig_for(spec)) as cluster:
        pods: list[Any] = list(cluster.list(Pod, namespace=names.namespace(spec)))
    return {pod.metadata.uid for pod in pods if "job-name" not in pod.metadata.labels}


def plan_of(instance: Instance) -> bool:
    plans = api("gkebackup", "v1").projects().locations().backupPlans()
    spec = spec_of(instance)
    parent = names.backup_plan_path(spec).partition("/backupPlans/")[0]
    return bool(execute(plans.list(parent=parent)).get("backupPlans"))


def test_the_first_is_upgraded_repaired_and_torn_down_like_any_other(running, by_owner, devcloud, tear_down):
    assert (reached_at(running), nodes(running), has_proxy(running)) == (["PRIMARY"], (False, "GCE_METADATA"), True)
    assert (server(running)["settings"]["ipConfiguration"]["authorizedNetworks"], plan_of(running)) == ([], False)
    assert_as_its_spec_says(running)
    upgrade = run(instance_upgrade(instance=running, release=newest(), actor=by_owner))
    assert_succeeded(upgrade)
    running.refresh_from_db()
    assert schema_of(running) == newest().app_version
    assert upgrade.steps.get(name="volume-backup").outputs == {}
    damage(spec_of(running))
    assert_succeeded(run(instance_repair(instance=running, actor=by_owner)))
    assert_as_its_spec_says(running)
    tear_down()


def test_building_the_first_can_be_undone(instance, provision, by_alice, devcloud):
    provision.wanted |= {"architecture": "1.0"}
    provision.save()
    assert_succeeded(run(provision))
    provision.steps.filter(name="monitoring").update(status=StepStatus.FAILED)
    Operation.objects.filter(pk=provision.pk).update(status="failed")
    Instance.objects.filter(pk=instance.pk).update(status="pending")
    operation_undo(operation=provision, actor=by_alice, reason="Not wanted.")
    assert run(provision).status == "undone", (provision.error, states(provision))
    assert left_of(instance.pk, devcloud) == []


class TestFromTheFirstToTheSecond:
    def test_it_has_what_the_second_has_and_nothing_of_the_first(self, running, move, tear_down):
        schema = schema_of(running)
        assert_succeeded(move())
        running.refresh_from_db()
        assert running.architecture == "1.1"
        assert (reached_at(running), nodes(running), has_proxy(running)) == (["PRIVATE"], (True, "GKE_METADATA"), False)
        assert plan_of(running)
        assert schema_of(running) == schema
        event = AuditEvent.objects.get(action="instance.architecture-migrated")
        assert event.details == {"from": "1.0", "to": "1.1"}
        assert_as_its_spec_says(running)
        tear_down()

    def test_what_is_new_comes_before_the_old_goes(self, running, move, devcloud):
        before = max((call["n"] for call in devcloud.calls()), default=0)
        assert_succeeded(move())
        made = [call["method"] for call in changes(devcloud.calls(since=before))]
        of_interest = ("sql.instances.patch", "PATCH secrets", "clusters.nodePools.update", "DELETE deployments")
        told = [next((word for word in of_interest if word in method), "") for method in made]
        joined, connected, replaced, left = (told.index(word) for word in of_interest)
        assert joined < connected < replaced < left < len(told) - 1 - told[::-1].index("sql.instances.patch"), made

    def test_taken_back_late_it_is_as_before_but_for_what_google_keeps(self, running, move, tear_down):
        with in_place_of(failing_at("public-address", MIGRATE_ARCHITECTURE)):
            assert move().status == "undone"
        running.refresh_from_db()
        assert running.architecture == "1.0"
        assert (reached_at(running), nodes(running), has_proxy(running)) == (
            ["PRIVATE", "PRIMARY"],
            (False, "GCE_METADATA"),
            True,
        )
        assert not plan_of(running)
        assert_as_its_spec_says(running)
        assert_succeeded(move())
        assert_as_its_spec_says(running)
        tear_down()


def test_what_the_first_has_not_is_drift_when_it_is_there(running, by_owner):
    spec = replace(spec_of(running), architecture="1.1")
    plans = api("gkebackup", "v1").projects().locations().backupPlans()
    path = names.backup_plan_path(spec)
    body = {"cluster": names.cluster_path(spec), "labels": spec.labels}
    execute(plans.create(parent=path.partition("/backupPlans/")[0], backupPlanId=names.BACKUP_PLAN, body=body))
    eventually(lambda: execute(plans.get(name=path)).get("state") == "READY")
    seen = dict(seen_of(running))["backup-plan"]
    assert isinstance(seen, Differs)
    assert seen.difference == "it is there, and architecture 1.0 has none"
    assert_succeeded(run(instance_repair(instance=running, actor=by_owner)))
    assert not plan_of(running)


def counts_by(instance: Instance) -> tuple[bool, bool]:
    """Whether it has the job that counts its use, and the Secret by which that tells."""
    spec = spec_of(instance)
    with connected(kubeconfig_for(spec)) as cluster:
        jobs, secrets = (cluster.list(kind, namespace=names.namespace(spec)) for kind in (CronJob, Secret))
        return "usage" in map(name_of, jobs), names.USAGE_PING in map(name_of, secrets)


class TestFromTheSecondToTheThird:
    """It counts its use from here on; nothing of it starts anew for that."""

    @pytest.fixture
    def architecture(self) -> str:
        return "1.1"

    def test_it_counts_and_nothing_starts_anew(self, running, move, tear_down):
        assert counts_by(running) == (False, False)
        assert_as_its_spec_says(running)
        before = pods_of(running)
        assert_succeeded(move("1.2"))
        running.refresh_from_db()
        assert (running.architecture, counts_by(running)) == ("1.2", (True, True))
        assert pods_of(running) == before
        assert_as_its_spec_says(running)
        tear_down()

    def test_a_failure_gives_back_what_it_took(self, running, move):
        with in_place_of(failing_at("uptime", MIGRATE_ARCHITECTURE)):
            assert move("1.2").status == "undone"
        running.refresh_from_db()
        assert (running.architecture, counts_by(running)) == ("1.1", (False, False))
        assert_as_its_spec_says(running)

    def test_from_the_first_it_is_one_way(self, running, move):
        """The way leads over what lies between: the plan of such a rollout has all of it."""
        Instance.objects.update(architecture="1.0")
        running.refresh_from_db()
        assert migrated(running, "1.2").architecture == "1.2"


class TestOneThatIsNoMoreThanAValue:
    """Nothing but the value knows it: the steps that there are build it, move to it, repair it and tear it down."""

    @pytest.fixture
    def architecture(self) -> str:
        return "1.2"

    def test_it_is_built(self, instance, provision, next_one, devcloud, by_alice):
        provision.wanted |= {"architecture": "1.3"}
        provision.save()
        Instance.objects.update(architecture="1.3")
        assert_succeeded(run(provision))
        instance.refresh_from_db()
        assert (reached_at(instance), nodes(instance)) == (["PRIVATE"], (True, "GKE_METADATA"))
        assert not plan_of(instance)
        assert_as_its_spec_says(instance)
        assert_succeeded(run(operation_request(instance=instance, kind=OperationKind.TEARDOWN, actor=by_alice)))
        assert left_of(instance.pk, devcloud) == []

    def test_an_instance_is_moved_to_it_and_repaired(self, running, move, next_one, by_owner):
        assert plan_of(running)
        assert_succeeded(move("1.3"))
        running.refresh_from_db()
        assert (running.architecture, plan_of(running)) == ("1.3", False)
        damage(spec_of(running))
        assert not isinstance(dict(seen_of(running))["connections"], AsWanted)
        assert_succeeded(run(instance_repair(instance=running, actor=by_owner)))
        assert_as_its_spec_says(running)

    def test_a_failure_gives_back_what_it_took(self, running, move, next_one):
        with in_place_of(failing_at("uptime", MIGRATE_ARCHITECTURE)):
            operation = move("1.3")
            assert operation.status == "undone", operation.error
        running.refresh_from_db()
        assert (running.architecture, plan_of(running)) == ("1.2", True)
        assert_as_its_spec_says(running)


class TestAsking:
    def test_it_goes_only_forth_along_what_came_from_what(self, running, next_one):
        assert migrated(running, "1.3").architecture == "1.3"
        for number, says in [("1.0", "has architecture 1.0 already"), ("9.9", "There is no architecture 9.9")]:
            with pytest.raises(Invalid, match=says) as refused:
                migrated(running, number)
            assert refused.value.field == "architecture"
        running.architecture = "1.1"
        with pytest.raises(Invalid, match=r"1\.0 did not come from 1\.1"):
            migrated(running, "1.0")

    def test_what_is_stopped_busy_or_on_their_own_cluster_is_refused(self, running, by_owner):
        operation_request(instance=running, kind=OperationKind.REPAIR, actor=by_owner)
        with pytest.raises(Conflict, match=r"repair \(running\) is already under way"):
            instance_migrate_architecture(instance=running, architecture="1.1", actor=by_owner)
        running.tenancy = "byok"
        with pytest.raises(Invalid, match="their architecture is theirs"):
            migrated(running, "1.1")
        running.status = "suspended"
        with pytest.raises(Conflict, match=r"this one is suspended\. Resume it first\."):
            migrated(running, "1.1")
