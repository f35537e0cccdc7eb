"""What somebody changed by hand in the cluster is seen, named and put right; what the server itself does is not."""

import base64
import gzip
import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import ConfigMap, Namespace, PersistentVolumeClaim, Service
from lightkube.types import CascadeType

from provisioning.clients.kubernetes import connected
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.kubernetes import Connections
from provisioning.steps.kubernetes import Namespace as NamespaceAction
from provisioning.steps.manifest import Document, _named, _told, rendered
from provisioning.steps.preflight import PointOfReturn, Preflight
from provisioning.steps.release import Application, newest_revision
from provisioning.steps.rollout import Rollout
from provisioning.steps.volumes import VolumeSizes
from tests.conftest import release
from tests.provisioning.bringing import bring
from tests.provisioning.steps.world import World, spec_for_tests

pytestmark = [pytest.mark.helm, pytest.mark.django_db]
CONTAINERS, OURS = "spec.template.spec.containers", "index.docker.io/sourcegraph"
ACTIONS = (NamespaceAction(), Connections(), Application(), VolumeSizes(), Rollout(), PointOfReturn(), Preflight())


@pytest.fixture
def installed(brought):
    release("5.11.1", "patch")
    brought.build("application")
    return brought


@pytest.fixture
def by_hand(cluster, installed):
    """Somebody with kubectl."""

    def patch(kind, name: str, change) -> None:
        cluster.patch(kind, name, change, namespace=installed.spec.id, field_manager="kubectl-edit")

    return patch


def container(name: str, **fields):
    return {"spec": {"template": {"spec": {"containers": [{"name": name, **fields}]}}}}


class TestTheRelease:
    @pytest.mark.parametrize("minor_version", ["1.20", "1.33"])
    def test_as_helm_leaves_it_nothing_differs(self, devcloud, catalogue, acme, ada, minor_version):
        cluster = bring(devcloud, acme, ada, minor_version=minor_version)
        fresh = World(spec_for_tests(tenancy="byok", cluster_id=cluster.pk))
        fresh.build("rollout")
        assert Application().look(fresh.context()) == AsWanted({"revision": 1})

    def test_what_was_changed_by_hand_is_named_and_put_right(self, installed, by_hand):
        by_hand(Deployment, "worker", {"spec": {"replicas": 3}})
        by_hand(StatefulSet, "gitserver", container("gitserver", image="mine/gitserver"))
        by_hand(Deployment, "redis-cache", container("redis-cache", resources={"limits": {"memory": "9Gi"}}))
        by_hand(Service, "gitserver", {"spec": {"selector": {"app": "searcher"}}})
        seen = Application().look(installed.context())
        assert isinstance(seen, Differs)
        assert set(seen.changes) == {
            Change("deployment/worker spec.replicas", 1, 3),
            Change(f"statefulset/gitserver {CONTAINERS}.gitserver.image", f"{OURS}/gitserver:5.11.0", "mine/gitserver"),
            Change(f"deployment/redis-cache {CONTAINERS}.redis-cache.resources.limits.memory", "1Gi", "9Gi"),
            Change("service/gitserver spec.selector.app", "gitserver", "searcher"),
        }
        installed.reach(Application())

    def test_what_is_gone_is_made_again(self, installed, cluster):
        cluster.delete(Deployment, "worker", namespace=installed.spec.id)
        assert Application().look(installed.context()) == Differs.in_settings(
            [Change("deployment/worker", "there", None)]
        )
        installed.reach(Application())
        assert cluster.get(Deployment, "worker", namespace=installed.spec.id)

    def test_what_others_add_beside_it_is_theirs(self, installed, by_hand):
        by_hand(Deployment, "worker", {"metadata": {"annotations": {"owner": "somebody"}}})
        by_hand(Deployment, "worker", container("proxy", image="proxy:1"))
        assert isinstance(Application().look(installed.context()), AsWanted)

    def test_what_the_server_made_of_it_while_it_was_applied_is_no_difference(self, installed, cluster):
        """An admission hook's change counts as that of who applied, here as Helm's own."""
        change = {"spec": {"replicas": 2}}
        cluster.patch(Deployment, "worker", change, namespace=installed.spec.id, field_manager="helm")
        assert isinstance(Application().look(installed.context()), AsWanted)

    def test_a_stateful_set_that_is_set_aside_is_not_missed_for_long(self, installed, cluster):
        larger = replace(installed.spec, size=replace(installed.spec.size, gitserver_disk_gb=60, cpu_share_percent=110))
        installed.spec = larger
        installed.reach(VolumeSizes())
        cluster.delete(StatefulSet, "gitserver", namespace=installed.spec.id, cascade=CascadeType.ORPHAN)
        installed.reach(Application())
        assert cluster.get(StatefulSet, "gitserver", namespace=installed.spec.id)


class TestVolumes:
    def test_they_grow_and_never_shrink(self, installed, cluster):
        size = installed.spec.size
        installed.reach(Rollout())
        installed.spec = replace(installed.spec, size=replace(size, gitserver_disk_gb=70))
        assert VolumeSizes().look(installed.context()) == Differs.in_settings(
            [Change("repos-gitserver-0 spec.resources.requests.storage", "70Gi", "50Gi")]
        )
        installed.reach(VolumeSizes())
        claim = cluster.get(PersistentVolumeClaim, "repos-gitserver-0", namespace=installed.spec.id)
        assert claim.status.capacity["storage"] == "70Gi"
        installed.spec = replace(installed.spec, size=size)
        assert isinstance(VolumeSizes().look(installed.context()), AsWanted)

    def test_one_that_somebody_made_larger_does_not_break_the_next_release(self, installed, cluster, by_hand):
        installed.reach(Rollout())
        by_hand(PersistentVolumeClaim, "pgsql", {"spec": {"resources": {"requests": {"storage": "31Gi"}}}})
        installed.spec = replace(installed.spec, app_version="5.11.1")
        installed.reach(Application())
        claim = cluster.get(PersistentVolumeClaim, "pgsql", namespace=installed.spec.id)
        assert claim.spec.resources.requests["storage"] == "31Gi"


class TestTheNamespace:
    def test_lost_labels_are_named_and_written_again(self, brought, cluster):
        brought.reach(NamespaceAction())
        cluster.patch(Namespace, brought.spec.id, {"metadata": {"labels": {"organization": "other"}}})
        seen = NamespaceAction().look(brought.context())
        wanted = brought.spec.organization_id
        assert seen == Differs.in_settings([Change("metadata.labels.organization", wanted, "other")])
        brought.reach(NamespaceAction())


def test_absence_says_how_it_was_confirmed(brought, world):
    namespace = brought.spec.id
    assert NamespaceAction().look(brought.context()) == Missing(
        f"the API server answered 404 to namespaces/{namespace}"
    )
    brought.reach(NamespaceAction())
    assert Application().look(brought.context()) == Missing(
        "the API server listed no revisions of the release sourcegraph"
    )
    seen = NamespaceAction().look(world.context())
    assert isinstance(seen, Missing)
    assert seen.how


def test_resources_are_named_without_asking_anybody():
    """No fixture: neither a database nor a cloud is there."""
    dedicated = Context("op", "step", 0, spec_for_tests(), {})
    brought = Context("op", "step", 0, spec_for_tests(tenancy="byok", cluster_id="clu-1"), {})
    cluster = (
        "//container.googleapis.com/projects/src-0123456789abcdef0123/locations/us-central1-b/clusters/sourcegraph"
    )
    assert NamespaceAction().resource(dedicated) == f"{cluster}/k8s:namespaces/sourcegraph"
    assert Application().resource(dedicated) == f"{cluster}/helm:sourcegraph/sourcegraph"
    assert Application().resource(brought) == "clu-1/helm:src-0123456789abcdef0123/sourcegraph"
    assert {type(action).__name__ for action in ACTIONS if not action.resource(dedicated)} == {
        "Rollout",
        "PointOfReturn",
        "Preflight",
    }


class TestTheComparison:
    """Of one object as Helm rendered it with what a real API server makes of it."""

    RENDERED: ClassVar[dict[str, Any]] = {
        "kind": "Deployment",
        "metadata": {"name": "worker", "labels": {"a": "b"}, "annotations": None},
        "spec": {
            "replicas": 1,
            "paused": False,
            "template": {
                "spec": {
                    "tolerations": [],
                    "containers": [
                        {
                            "name": "worker",
                            "env": [{"name": "EMPTY", "value": ""}, {"name": "ONE", "value": "1"}],
                            "ports": [{"containerPort": 3189, "name": "http"}],
                            "resources": {"requests": {"cpu": "1000m", "memory": "1Gi"}, "limits": {"cpu": 2}},
                        }
                    ],
                }
            },
        },
    }
    SERVED: ClassVar[dict[str, Any]] = {
        "kind": "Deployment",
        "metadata": {
            "name": "worker",
            "labels": {"a": "b", "more": "x"},
            "managedFields": [{"manager": "kubectl", "operation": "Update", "subresource": "scale"}],
        },
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "template": {
                "spec": {
                    "restartPolicy": "Always",
                    "containers": [
                        {"name": "sidecar"},
                        {
                            "name": "worker",
                            "env": [{"name": "EMPTY"}, {"name": "ONE", "value": "1"}],
                            "ports": [{"containerPort": 3189, "name": "http", "protocol": "TCP"}],
                            "resources": {"requests": {"cpu": "1", "memory": "1024Mi"}, "limits": {"cpu": "2"}},
                        },
                    ],
                }
            },
        },
    }

    def test_defaults_quantities_nulls_and_neighbours_are_no_differences(self):
        assert told(self.RENDERED, self.SERVED) == []

    def test_a_scaled_deployment_is_one(self):
        served = {**self.SERVED, "spec": {**self.SERVED["spec"], "replicas": 0}}
        assert told(self.RENDERED, served) == [Change("deployment/worker spec.replicas", 1, 0)]

    def test_a_controllers_own_writing_does_not_count(self):
        entries = [{"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}]
        metadata = {**self.SERVED["metadata"], "managedFields": entries}
        served = {**self.SERVED, "metadata": metadata, "spec": {**self.SERVED["spec"], "replicas": 0}}
        assert told(self.RENDERED, served) == []

    @pytest.mark.parametrize("pair", [("0.1", "100m"), ("1Gi", "1024Mi"), ("4G", "4000M"), (1, "1"), ("1e3", "1k")])
    def test_the_same_quantity_may_be_written_in_many_ways(self, pair):
        here, there = ({"requests": {"x": each}} for each in pair)
        assert _named(here) == _named(there)


def told(wanted, served) -> list[Change]:
    document = Document(wanted["kind"], wanted["metadata"]["name"], json.dumps(wanted))
    return list(_told(document, served))


def test_names_are_told_without_reading_a_whole_object(installed, cluster):
    newest = newest_revision(cluster, installed.spec)
    assert newest
    documents = rendered(newest.record)
    assert len(documents) > 30
    for document in documents:
        assert (document.kind, document.name) == (document.thing["kind"], document.thing["metadata"]["name"])


@pytest.mark.parametrize(
    "text",
    [
        "metadata:\n    labels: {name: no}\n    name: web\nkind: Service",
        "kind: 'Service'\nmetadata:\n  labels:\n    name: no\n\n  name: \"web\"\nspec:\n  name: no",
        "{kind: Service, metadata: {name: web}}",
    ],
)
def test_names_are_told_however_they_are_written(text):
    manifest = {"manifest": f"---\n# Source: a comment\n---\n{text}\n--- # another\n"}
    record = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(manifest).encode()))).decode()
    assert [(document.kind, document.name) for document in rendered(record)] == [("Service", "web")]


def test_a_config_map_of_the_chart_is_compared_too(installed, by_hand, cluster):
    maps = [item.metadata.name for item in cluster.list(ConfigMap, namespace=installed.spec.id)]
    with connected(kubeconfig_for(installed.spec)) as client:
        client.create(ConfigMap(metadata=ObjectMeta(name="mine"), data={"a": "b"}), namespace=installed.spec.id)
    for name in maps:
        by_hand(ConfigMap, name, {"data": {"prometheus.yml": "changed"}})
    assert isinstance(Application().look(installed.context()), Differs if maps else AsWanted)
