"""Inside the cluster: namespace, connections, volumes, and whether the application comes up."""

import base64

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace as NamespaceObject
from lightkube.resources.core_v1 import PersistentVolumeClaim, Secret

from provisioning.clients.kubernetes import server_version
from provisioning.engine.action import AsWanted, Differs, Missing, NotYet, Refused, UnderWay
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.kubernetes import Connections, Namespace, Volumes
from provisioning.steps.migration import Migration
from provisioning.steps.release import Application
from provisioning.steps.rollout import Rollout
from tests.waiting import eventually


def test_the_namespace_bears_our_labels(brought, cluster):
    brought.reach(Namespace())
    assert cluster.get(NamespaceObject, brought.spec.id).metadata.labels.items() >= brought.spec.labels.items()
    Namespace().make(brought.context())


def test_a_namespace_of_somebody_else_is_not_touched(brought, cluster):
    cluster.create(NamespaceObject(metadata=ObjectMeta(name=brought.spec.id)))
    with pytest.raises(Refused, match="not ours"):
        Namespace().look(brought.context())


def test_dropping_a_namespace_twice_is_fine(brought, cluster):
    brought.reach(Namespace())
    Namespace().drop(brought.context())
    Namespace().drop(brought.context())
    brought.drop(Namespace())


def test_the_application_finds_its_databases(brought, cluster):
    brought.build("connections")
    secret = cluster.get(Secret, "codeintel-database", namespace=brought.spec.id)
    found = {key: base64.b64decode(value).decode() for key, value in secret.data.items()}
    assert found["host"] == "codeintel-db"
    assert (found["user"], found["database"], found["port"]) == ("sourcegraph", "codeintel", "5432")
    assert len(found["password"]) > 30


def test_a_changed_connection_is_put_right_and_not_told(brought, cluster):
    brought.build("connections")
    cluster.patch(Secret, "pgsql-database", {"data": {"host": "eA=="}}, namespace=brought.spec.id)
    seen = Connections().look(brought.context())
    assert seen == Differs("not as wanted: pgsql-database")
    brought.reach(Connections())


def test_connections_wait_for_the_password(brought, cluster):
    brought.reach(Namespace())
    with pytest.raises(NotYet, match="password"):
        Connections().look(brought.context())


def test_volumes_go(brought, cluster):
    brought.build("application")
    assert list(cluster.list(PersistentVolumeClaim, namespace=brought.spec.id))
    brought.drop(Application())
    brought.drop(Volumes())
    assert not list(cluster.list(PersistentVolumeClaim, namespace=brought.spec.id))


def test_the_server_tells_its_version(brought, cluster):
    assert server_version(kubeconfig_for(brought.spec)) >= (1, 22)


class TestRollout:
    """Each with a workload that misbehaves."""

    @pytest.fixture
    def behave(self, devcloud):
        def tell(kind: str, name: str, behaviour: str) -> None:
            devcloud.control("POST", "kubernetes/behaviour", {"kind": kind, "name": name, "behaviour": behaviour})

        return tell

    def test_without_workloads_there_is_nothing_to_wait_for(self, brought, cluster):
        brought.reach(Namespace())
        assert isinstance(Rollout().look(brought.context()), Missing)
        with pytest.raises(Refused, match="no workloads"):
            Rollout().make(brought.context())

    def test_it_waits_for_what_is_not_ready_and_names_it(self, brought, behave):
        behave("Deployment", "worker", "never_ready")
        brought.build("application")
        seen = self.settled(brought)
        assert isinstance(seen, UnderWay)
        assert seen.why.startswith("worker to be ready")

    def test_a_crash_loop_says_which_and_why(self, brought, behave):
        behave("Deployment", "worker", "crash_loop")
        brought.build("application")
        with pytest.raises(Refused, match="worker keeps crashing"):
            self.settled(brought)

    def test_a_failed_migration_says_so(self, brought, behave):
        behave("Job", "migration-5-11-0", "job_fails")
        brought.build("application")
        Migration().make(brought.context("migration"))
        with pytest.raises(Refused, match="migration-5-11-0 failed"):
            self.settled(brought)

    def test_all_up_is_as_wanted(self, brought):
        brought.build("application")
        assert isinstance(self.settled(brought), AsWanted)

    def settled(self, brought):
        """What is seen once only the misbehaving one is left."""

        def settled():
            seen = Rollout().look(brought.context())
            is_left_alone = isinstance(seen, UnderWay) and seen.why.startswith("worker to be")
            return seen if is_left_alone or isinstance(seen, AsWanted) else None

        return eventually(settled)
