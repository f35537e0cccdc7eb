"""What an upgrade makes sure of before, does with the databases, and how it goes back, with them or without."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.batch_v1 import Job

from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.clients.kubernetes import connected
from provisioning.engine.action import seconds
from provisioning.models import Instance, Operation, Release
from provisioning.services import instance_upgrade, operation_retry, operation_skip, operation_undo
from provisioning.services.restoring import instance_restore, instance_rollback
from provisioning.spec import spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.database_backups import MARK
from provisioning.steps.migration import APP
from provisioning.workflows.upgrade import UPGRADE
from tests.provisioning.driving import states
from tests.provisioning.workflows.harness import assert_succeeded, crashes, in_place_of, run
from tests.provisioning.workflows.wishes import (
    answering_version,
    assert_as_its_spec_says,
    database_of,
    fail_too_late,
    newest,
    schema_of,
    tell,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # see test_changes
]
dedicated = pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
on_a_brought_cluster = pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
everywhere = pytest.mark.parametrize("tenancy", ["dedicated", "byok"], indirect=True)
OLD, NEW = "5.10.1", "5.11.0"
BACKUPS, VOLUME_BACKUPS = "sql.backupRuns", "gkebackup.backups"


@pytest.fixture
def cluster(running):
    with connected(kubeconfig_for(spec_of(running))) as client:
        yield client


@pytest.fixture
def behave(devcloud):
    def tell(kind: str, name: str, behaviour: str) -> None:
        form = {"kind": kind, "name": name, "behaviour": behaviour, "image_tag": NEW}
        devcloud.control("POST", "kubernetes/behaviour", form)

    return tell


@pytest.fixture
def upgrade(running, by_owner):
    """Asked for anew each time it is called, and run to its end."""

    def upgrade() -> Operation:
        return run(instance_upgrade(instance=running, release=newest(), actor=by_owner))

    return upgrade


@pytest.fixture
def documents(devcloud):
    """Of one collection of devcloud's, by key."""
    return lambda collection: devcloud.control("GET", "snapshot").get(collection, {})


@pytest.fixture
def generations(cluster, running):
    """Of all workloads: a change of any raises its own."""

    def tell() -> dict[str, int]:
        namespace = names.namespace(spec_of(running))
        workloads = [*cluster.list(Deployment, namespace=namespace), *cluster.list(StatefulSet, namespace=namespace)]
        return {item.metadata.name: item.metadata.generation for item in workloads}

    return tell


@pytest.fixture
def jobs(cluster, running):
    where = {"namespace": names.namespace(spec_of(running)), "labels": {**APP}}
    return lambda: [job.metadata.name for job in cluster.list(Job, **where)]


class TestBefore:
    @on_a_brought_cluster
    def test_what_was_changed_by_hand_is_not_overwritten(self, running, cluster, upgrade, generations):
        patch = {"spec": {"replicas": 3}}
        namespace = names.namespace(spec_of(running))
        cluster.patch(Deployment, "worker", patch, namespace=namespace, field_manager="kubectl")
        before = generations()
        operation = upgrade()
        assert operation.status == "undone"
        assert "deployment/worker spec.replicas is 3 and should be 1" in operation.error
        assert "Repair the instance first, or take the change over" in operation.error
        assert generations() == before

    @dedicated
    @pytest.mark.parametrize(
        ("disk", "named"),
        [("sql-{id}", "the database server's disk"), ("repos-gitserver-0", "the volume repos of gitserver-0")],
    )
    def test_a_full_disk_refuses(self, disk, named, running, upgrade, devcloud, documents):
        form = {"project": running.pk, "disk": disk.format(id=running.pk), "utilization": 0.93}
        devcloud.control("PUT", "disks", form)
        operation = upgrade()
        assert operation.status == "undone"
        assert f"too little room: {named} is 93% full. Resize the instance" in operation.error
        assert documents(BACKUPS) == {}

    @dedicated
    def test_a_disk_that_nobody_knows_of_is_no_reason_to_refuse_and_is_told(self, running, upgrade, devcloud):
        form = {"project": running.pk, "disk": f"sql-{running.pk}", "utilization": None}
        devcloud.control("PUT", "disks", form)
        operation = upgrade()
        assert_succeeded(operation)
        outputs = operation.steps.get(name="capacity").outputs
        assert outputs["unknown"] == ["the database server's disk"]
        assert outputs["utilization"] == 0.25


@dedicated
class TestBackups:
    def test_are_made_once_each_whatever_crashes(self, running, by_owner, documents):
        operation = instance_upgrade(instance=running, release=newest(), actor=by_owner)
        assert_succeeded(run(operation, crashes()))
        [backup] = documents(BACKUPS).values()
        assert backup["body"]["status"] == "SUCCESSFUL"
        assert operation.pk in backup["body"]["description"]
        [volumes] = documents(VOLUME_BACKUPS).values()
        assert (volumes["body"]["state"], volumes["body"]["retainDays"]) == ("SUCCEEDED", 14)

    def test_that_fail_stop_it_before_anything_has_changed_and_are_made_anew(
        self, running, upgrade, devcloud, generations, documents
    ):
        devcloud.add_fault("sql.backupRuns.insert", "fail_operation", nth=1, code="INTERNAL_ERROR", message="no room")
        before = generations()
        operation = upgrade()
        assert operation.status == "undone"
        assert "The backup of the databases failed" in operation.error
        assert (generations(), schema_of(running)) == (before, OLD)
        assert_succeeded(upgrade())
        statuses = [backup["body"]["status"] for backup in documents(BACKUPS).values()]
        assert sorted(statuses) == ["FAILED", "SUCCESSFUL"]

    def test_that_are_old_go_but_for_the_newest_two(self, running, upgrade, devcloud, documents):
        """What somebody else has made is not ours to remove."""
        ours = {f"{days} days": backup(running, days, MARK) for days in (20, 30, 40, 90)}
        server = f"projects/{running.pk}/instances/sql-{running.pk}/backupRuns"
        made = {**ours, "mine": backup(running, 50, "Before I try something: ")}
        known = {
            f"{server}/{name}": {**document, "body": {**document["body"], "id": name}}
            for name, document in made.items()
        }
        devcloud.control("PATCH", "snapshot", {BACKUPS: known})
        operation = upgrade()
        assert_succeeded(operation)
        new = operation.steps.get(name="database-backup").outputs["backup"]
        kept = [each["body"] for each in documents(BACKUPS).values() if each["body"]["status"] == "SUCCESSFUL"]
        assert {body["id"] for body in kept} == {new, "20 days", "mine"}


class TestTheMigration:
    @on_a_brought_cluster
    def test_that_fails_has_changed_no_workload(self, running, upgrade, behave, generations, jobs):
        behave("Job", "migration-5-11-0", "job_fails")
        before = generations()
        operation = upgrade()
        assert operation.status == "undone"
        assert "The migration of the databases failed: It was told to fail, and so it did." in operation.error
        assert "Read the logs of the Job migration-5-11-0" in operation.error
        assert (generations(), schema_of(running), jobs()) == (before, OLD, [])

    @on_a_brought_cluster
    def test_of_an_incompatible_schema_that_fails_stops_and_can_be_retried(
        self, running, by_owner, upgrade, behave, generations
    ):
        Release.objects.filter(app_version=NEW).update(schema_is_compatible=False)
        behave("Job", "migration-5-11-0", "job_fails")
        before = generations()
        operation = upgrade()
        assert (operation.status, generations()) == ("failed", before)
        behave("Job", "migration-5-11-0", "normal")
        assert_succeeded(run(operation_retry(operation=operation, actor=by_owner, reason="Mended.")))
        assert (schema_of(running), answering_version(running)) == (NEW, NEW)

    @everywhere
    def test_of_a_compatible_schema_is_no_reason_not_to_go_back(self, running, upgrade, behave, jobs):
        behave("Deployment", "sourcegraph-frontend", "crash_loop")
        operation = upgrade()
        assert operation.status == "undone", (operation.error, states(operation))
        assert (answering_version(running), schema_of(running), jobs()) == (OLD, NEW, [])
        assert_as_its_spec_says(running)

    @on_a_brought_cluster
    def test_of_an_earlier_upgrade_does_not_count(self, running, by_owner, upgrade, jobs):
        assert_succeeded(upgrade())
        running.refresh_from_db()
        back = instance_rollback(
            instance=running, release=Release.objects.get(app_version=OLD), actor=by_owner, reason="Slow."
        )
        assert_succeeded(run(back))
        running.refresh_from_db()
        operation = upgrade()
        assert_succeeded(operation)
        deeds = [deed for attempt in operation.steps.get(name="migration").attempts.all() for deed in attempt.made]
        assert deeds == ["removed the Job migration-5-11-0", "began to migrate the databases to 5.11.0"]


@dedicated
def test_an_uptime_check_that_is_gone_is_made_again(running, upgrade, documents, devcloud):
    check = next(iter(documents("monitoring.uptimeCheckConfigs")))
    snapshot = devcloud.control("GET", "snapshot")
    snapshot["monitoring.alertPolicies"], snapshot["monitoring.uptimeCheckConfigs"] = {}, {}
    devcloud.control("PUT", "snapshot", snapshot)
    assert_succeeded(upgrade())
    [made] = documents("monitoring.uptimeCheckConfigs")
    assert made != check


@everywhere
class TestAfterTheSchemaWentAhead:
    def test_it_stops_and_a_restore_brings_version_and_schema_back(self, running, by_owner):
        failed = fail_too_late(running, by_owner)
        assert "It was done, and yet it fails" in failed.error
        restore = instance_restore(operation=failed, actor=by_owner, reason="Nobody can sign in.")
        assert_succeeded(run(restore))
        running.refresh_from_db()
        assert running.release.app_version == answering_version(running) == schema_of(running) == OLD
        assert_as_its_spec_says(running)
        assert AuditEvent.objects.get(action="instance.restored").details == {"from": OLD, "to": OLD}
        with pytest.raises(Conflict, match="Another restore has begun since"):
            instance_restore(operation=failed, actor=by_owner, reason="Again.")

    def test_after_a_restore_it_can_be_upgraded_again(self, running, by_owner, upgrade):
        failed = fail_too_late(running, by_owner)
        assert_succeeded(run(instance_restore(operation=failed, actor=by_owner, reason="Nobody can sign in.")))
        assert_succeeded(upgrade())
        assert (answering_version(running), schema_of(running)) == (NEW, NEW)

    def test_an_undo_by_hand_gets_stuck_since_the_version_before_does_not_start(self, running, by_owner):
        failed = fail_too_late(running, by_owner, is_restored_by_hand=False)
        nodes = tuple(replace(node, deadline=seconds(0.5)) for node in UPGRADE.nodes)
        with in_place_of(replace(UPGRADE, nodes=nodes)):
            operation = run(operation_undo(operation=failed, actor=by_owner, reason="Let us see."))
        assert operation.status == "stuck"
        assert states(operation)["point-of-return"] == "failed"


@dedicated
class TestARestore:
    def test_brings_back_all_that_was_in_the_server_and_nothing_else(self, running, by_owner, documents, devcloud):
        failed = fail_too_late(running, by_owner)
        server = f"projects/{running.pk}/instances/sql-{running.pk}"
        name = f"{server}/databases/later"
        later = {"body": {"name": "later", "instance": f"sql-{running.pk}"}, "visible_at": 0, "ready": True}
        devcloud.control("PATCH", "snapshot", {"sql.databases": {name: later}})
        assert_succeeded(run(instance_restore(operation=failed, actor=by_owner, reason="Nobody can sign in.")))
        found = {key.rpartition("/")[2] for key in documents("sql.databases")}
        assert found == {"postgres", "pgsql", "codeintel", "codeinsights"}

    def test_is_refused_when_its_backup_is_gone(self, running, by_owner, devcloud):
        failed = fail_too_late(running, by_owner)
        snapshot = devcloud.control("GET", "snapshot")
        devcloud.control("PUT", "snapshot", {**snapshot, BACKUPS: {}})
        operation = run(instance_restore(operation=failed, actor=by_owner, reason="Nobody can sign in."))
        assert operation.status == "failed"
        assert "is not there any more" in operation.error
        assert states(operation)["stop"] == "pending"
        operation = run(operation_skip(operation=operation, step_name="backup", actor=by_owner, reason="It is gone."))
        assert (states(operation)["stop"], states(operation)["database-restore"]) == ("done", "failed")
        tell("schemas", {"database": database_of(running), "version": OLD})
        by_hand = {"step_name": "database-restore", "actor": by_owner, "reason": "Restored in the console."}
        assert_succeeded(run(operation_skip(operation=operation, **by_hand)))
        assert_as_its_spec_says(running)

    def test_that_google_fails_is_asked_for_again(self, running, by_owner, devcloud):
        failed = fail_too_late(running, by_owner)
        devcloud.add_fault("sql.instances.restoreBackup", "fail_operation", nth=1, code="INTERNAL_ERROR", message="oh")
        operation = run(instance_restore(operation=failed, actor=by_owner, reason="Nobody can sign in."))
        assert_succeeded(operation)
        assert schema_of(running) == OLD

    def test_that_google_refuses_waits_for_a_person(self, running, by_owner, devcloud):
        failed = fail_too_late(running, by_owner)
        devcloud.add_fault("sql.instances.restoreBackup", "fail_operation", nth=1, code="ERROR_RDBMS", message="oh")
        operation = run(instance_restore(operation=failed, actor=by_owner, reason="Nobody can sign in."))
        assert (operation.status, states(operation)["database-restore"]) == ("failed", "failed")
        assert_succeeded(run(operation_retry(operation=operation, actor=by_owner, reason="Google has mended it.")))
        assert schema_of(running) == OLD


@on_a_brought_cluster
class TestARollback:
    def test_of_a_release_that_does_not_answer(self, running, by_owner, upgrade, devcloud):
        assert_succeeded(upgrade())
        form = {"kind": "Deployment", "name": "sourcegraph-frontend", "behaviour": "never_ready", "image_tag": NEW}
        devcloud.control("POST", "kubernetes/behaviour", form)
        running.refresh_from_db()
        old = Release.objects.get(app_version=OLD)
        operation = run(instance_rollback(instance=running, release=old, actor=by_owner, reason="It is down."))
        assert_succeeded(operation)
        assert "503" in operation.steps.get(name="preflight").outputs["no_answer"]
        running.refresh_from_db()
        assert (running.release, answering_version(running), schema_of(running)) == (old, OLD, NEW)
        assert AuditEvent.objects.get(action="instance.rolled-back").details == {"from": NEW, "to": OLD}

    def test_across_an_incompatible_release_is_refused(self, running, by_owner, upgrade):
        Release.objects.filter(app_version=NEW).update(schema_is_compatible=False)
        assert_succeeded(upgrade())
        running.refresh_from_db()
        old = Release.objects.get(app_version=OLD)
        with pytest.raises(Invalid, match=r"5\.10\.1 cannot run on the databases as 5\.11\.0 has migrated them"):
            instance_rollback(instance=running, release=old, actor=by_owner, reason="Slow.")


def backup(running: Instance, days: int, mark: str) -> dict[str, Any]:
    """As devcloud keeps one that was made so many days ago."""
    at = (clock.now() - timedelta(days=days)).isoformat()
    body = {"instance": f"sql-{running.pk}", "status": "SUCCESSFUL", "type": "ON_DEMAND", "description": f"{mark}op-0"}
    return {"body": {**body, "startTime": at, "enqueuedTime": at}, "visible_at": 0, "ready": True}
