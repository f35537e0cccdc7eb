"""Asking to go back: with the databases, or without."""

import pytest

from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Cluster, Instance
from provisioning.selectors.ways_back import ways_back
from provisioning.services import operation_retry
from provisioning.services.restoring import instance_restore, instance_rollback, restorable
from provisioning.spec import spec_of
from tests.conftest import release
from tests.provisioning.going_back import BACKUP, ended, failed_upgrade, upgraded_to

WHY = "It is slow."


@pytest.fixture
def running(trial_of_acme) -> Instance:
    ended(trial_of_acme.operations.get(), "succeeded")
    Instance.objects.update(status="running")
    return Instance.objects.select_related("release", "size").get()


@pytest.fixture
def newer(running):
    return release("5.12.0")


@pytest.fixture
def upgraded(running, newer, by_alice) -> Instance:
    return upgraded_to(running, newer, by_alice)


class TestARollback:
    def test_wants_the_older_release_and_remembers_the_newer(self, upgraded, by_alice):
        older = release("5.11.0")
        operation = instance_rollback(instance=upgraded, release=older, actor=by_alice, reason=WHY)
        assert (operation.kind, operation.status) == ("rollback", "running")
        before = spec_of(upgraded).as_json()
        assert (operation.previous, before["app_version"]) == (before, "5.12.0")
        assert operation.wanted == {**before, "app_version": "5.11.0", "chart_version": older.chart_version}
        event = AuditEvent.objects.get(action="operation.request", details__kind="rollback")
        assert (event.reason, event.actor_label) == (WHY, by_alice.label)

    @pytest.mark.parametrize("version", ["5.12.0", "5.13.0"])
    def test_goes_only_back(self, upgraded, by_alice, version):
        with pytest.raises(Invalid, match=r"is not older than 5\.12\.0"):
            instance_rollback(instance=upgraded, release=release(version), actor=by_alice, reason=WHY)

    def test_does_not_go_to_a_draft(self, upgraded, by_alice):
        with pytest.raises(Invalid, match="is a draft"):
            instance_rollback(instance=upgraded, release=release("5.11.1", status="draft"), actor=by_alice, reason=WHY)

    def test_may_go_to_what_was_withdrawn_since(self, upgraded, by_alice):
        older = release("5.11.0")
        older.status = "withdrawn"
        older.save()
        assert instance_rollback(instance=upgraded, release=older, actor=by_alice, reason=WHY).status == "running"

    def test_does_not_cross_a_schema_that_is_not_compatible(self, upgraded, newer, by_alice):
        newer.schema_is_compatible = False
        newer.save()
        with pytest.raises(Invalid, match=r"5\.11\.0 cannot run on the databases as 5\.12\.0 has migrated them"):
            instance_rollback(instance=upgraded, release=release("5.11.0"), actor=by_alice, reason=WHY)

    def test_waits_for_nobody(self, upgraded, by_alice):
        instance_rollback(instance=upgraded, release=release("5.11.0"), actor=by_alice, reason=WHY)
        with pytest.raises(Conflict, match="already under way"):
            instance_rollback(instance=upgraded, release=release("5.11.0"), actor=by_alice, reason=WHY)

    @pytest.mark.parametrize("status", ["pending", "deleted"])
    def test_is_for_what_runs(self, upgraded, by_alice, status):
        Instance.objects.update(status=status)
        with pytest.raises(Conflict, match="Only a running instance"):
            instance_rollback(instance=upgraded, release=release("5.11.0"), actor=by_alice, reason=WHY)


class TestTheWaysBack:
    def test_are_what_it_has_had(self, upgraded):
        release("5.10.0")
        assert [way.app_version for way in ways_back(upgraded)] == ["5.11.0"]

    def test_are_none_before_the_first_upgrade(self, running):
        assert ways_back(running) == []

    def test_do_not_cross_a_schema_that_is_not_compatible(self, upgraded, newer):
        newer.schema_is_compatible = False
        newer.save()
        assert ways_back(upgraded) == []


class TestARestore:
    def test_brings_back_the_backup_of_that_upgrade_and_the_version_of_before(self, running, newer, by_alice):
        upgrade = failed_upgrade(running, newer, by_alice, BACKUP)
        operation = instance_restore(operation=upgrade, actor=by_alice, reason=WHY)
        assert (operation.kind, operation.status) == ("restore", "running")
        assert operation.wanted == upgrade.previous
        assert operation.inputs == {
            "upgrade": upgrade.pk,
            "database_backup": BACKUP["backup"],
            "taken_at": BACKUP["taken_at"],
        }
        event = AuditEvent.objects.get(action="operation.request", details__kind="restore")
        assert (event.reason, event.actor_label) == (WHY, by_alice.label)

    def test_needs_a_backup(self, running, newer, by_alice):
        upgrade = failed_upgrade(running, newer, by_alice)
        assert restorable(upgrade) is None
        with pytest.raises(Invalid, match="made no backup"):
            instance_restore(operation=upgrade, actor=by_alice, reason=WHY)

    def test_on_a_brought_cluster_is_of_the_version_alone(self, running, newer, by_alice):
        cluster = Cluster.objects.create(
            name="theirs", organization=running.organization, kubeconfig_encrypted=b"", created_by=by_alice.user
        )
        Instance.objects.update(tenancy="byok", cluster=cluster)
        upgrade = failed_upgrade(Instance.objects.get(), newer, by_alice)
        operation = instance_restore(operation=upgrade, actor=by_alice, reason=WHY)
        assert operation.inputs == {"upgrade": upgrade.pk}
        assert operation.wanted["app_version"] == "5.11.0"

    @pytest.mark.parametrize("status", ["succeeded", "undone", "cancelled"])
    def test_is_for_what_has_failed(self, running, newer, by_alice, status):
        upgrade = ended(failed_upgrade(running, newer, by_alice, BACKUP), status)
        with pytest.raises(Conflict, match=f"this upgrade is {status}"):
            instance_restore(operation=upgrade, actor=by_alice, reason=WHY)

    def test_is_for_upgrades(self, running, by_alice):
        operation = ended(running.operations.get(), "failed")
        with pytest.raises(Conflict, match="this provision is failed"):
            instance_restore(operation=operation, actor=by_alice, reason=WHY)

    def test_takes_back_nothing_that_came_later(self, running, newer, by_alice):
        upgrade = failed_upgrade(running, newer, by_alice, BACKUP)
        failed_upgrade(running, release("5.12.1", "patch"), by_alice)
        assert restorable(upgrade) is None
        with pytest.raises(Conflict, match="Another upgrade has begun since"):
            instance_restore(operation=upgrade, actor=by_alice, reason=WHY)

    def test_that_did_not_get_through_may_be_begun_anew_and_the_upgrade_no_more(self, running, newer, by_alice):
        upgrade = failed_upgrade(running, newer, by_alice, BACKUP)
        ended(instance_restore(operation=upgrade, actor=by_alice, reason=WHY), "failed")
        with pytest.raises(Conflict, match="Another restore has begun since"):
            operation_retry(operation=upgrade, actor=by_alice, reason=WHY)
        assert instance_restore(operation=upgrade, actor=by_alice, reason=WHY).wanted == spec_of(running).as_json()
