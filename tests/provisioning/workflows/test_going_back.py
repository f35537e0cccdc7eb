"""Changes that go wrong in life's own ways: pods that crash, an instance that is down, disks that cannot grow."""

from dataclasses import replace

import pytest
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod
from lightkube.resources.storage_v1 import StorageClass

from portal.core.models import AuditEvent
from provisioning.clients.kubernetes import connected
from provisioning.engine.action import seconds
from provisioning.models import Release, Size
from provisioning.services import instance_resize, instance_upgrade, operation_cancel, operation_request
from provisioning.spec import spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.workflows.upgrade import UPGRADE
from tests.provisioning.driving import states
from tests.provisioning.workflows.harness import assert_succeeded, in_place_of, run, run_until_begun
from tests.provisioning.workflows.wishes import answering_version, assert_as_its_spec_says, newest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.helm]
on_a_brought_cluster = pytest.mark.parametrize("tenancy", ["byok"], indirect=True)


@pytest.fixture
def behave(devcloud):
    def tell(kind: str, name: str, behaviour: str, image_tag: str = "") -> None:
        form = {"kind": kind, "name": name, "behaviour": behaviour, "image_tag": image_tag}
        devcloud.control("POST", "kubernetes/behaviour", form)

    return tell


@pytest.fixture
def cluster(running):
    with connected(kubeconfig_for(spec_of(running))) as client:
        yield client


@pytest.fixture
def size_of(cluster, running):
    """What a claim asks for."""

    def tell(claim: str) -> str:
        found = cluster.get(PersistentVolumeClaim, claim, namespace=names.namespace(spec_of(running)))
        return str(found.spec.resources.requests["storage"])

    return tell


@on_a_brought_cluster
class TestAnUpgrade:
    @pytest.mark.parametrize(
        ("kind", "name"), [("Deployment", "sourcegraph-frontend"), ("StatefulSet", "gitserver"), ("Job", "*")]
    )
    def test_whose_pods_crash_goes_back_by_itself(self, kind, name, running, by_owner, behave):
        before, wanted = running.release.app_version, newest()
        behave(kind, name, "crash_loop", wanted.app_version)
        operation = run(instance_upgrade(instance=running, release=wanted, actor=by_owner))
        assert operation.status == "undone", (operation.error, states(operation))
        assert "keeps crashing" in operation.error or "failed" in operation.error
        running.refresh_from_db()
        assert running.release.app_version == before
        assert_as_its_spec_says(running)
        back = operation.steps.get(name="point-of-return").attempts.filter(direction="back")
        freed = [deed for attempt in back for deed in attempt.made]
        assert freed == (["removed gitserver-0, which was in the way"] if kind == "StatefulSet" else [])

    def test_is_not_begun_while_the_instance_is_down(self, running, by_owner, behave):
        behave("Deployment", "sourcegraph-frontend", "never_ready")
        nodes = tuple(replace(node, deadline=seconds(0.2)) for node in UPGRADE.nodes)
        with in_place_of(replace(UPGRADE, nodes=nodes)):
            operation = run(instance_upgrade(instance=running, release=newest(), actor=by_owner))
        assert operation.status == "undone"
        assert "acme.sourcegraph.localhost to answer before it is changed" in operation.error
        begun = {"preflight": "undone", "unchanged": "undone"}
        assert states(operation) == {**dict.fromkeys(states(operation), "skipped"), **begun}

    def test_is_not_begun_when_another_version_answers(self, running, by_owner):
        other = Release.objects.get(app_version="5.10.0")
        operation = operation_request(instance=running, kind="upgrade", actor=by_owner)
        operation.previous = {**operation.wanted, "app_version": other.app_version}
        operation.save()
        assert run(operation).status == "undone"
        assert "answers with version 5.10.1; it should be 5.10.0. Repair the instance first." in operation.error

    def test_that_is_cancelled_in_the_middle_goes_back(self, running, by_owner):
        operation = instance_upgrade(instance=running, release=newest(), actor=by_owner)
        run_until_begun(operation, "application")
        operation_cancel(operation=operation, actor=by_owner, reason="Changed our mind.")
        assert run(operation).status == "undone"
        assert_as_its_spec_says(running)

    def test_that_succeeds_says_what_it_changed(self, running, by_owner):
        assert_succeeded(run(instance_upgrade(instance=running, release=newest(), actor=by_owner)))
        running.refresh_from_db()
        assert running.release == newest()
        assert answering_version(running) == newest().app_version
        assert AuditEvent.objects.get(action="instance.upgraded").details == {"from": "5.10.1", "to": "5.11.0"}


@on_a_brought_cluster
class TestAResize:
    def test_grows_the_disks_before_the_release_is_applied(self, running, by_owner, size_of):
        assert_succeeded(run(instance_resize(instance=running, size=Size.objects.get(pk="s"), actor=by_owner)))
        assert (size_of("repos-gitserver-0"), size_of("data-indexed-search-0")) == ("150Gi", "80Gi")
        assert size_of("pgsql") == "50Gi"
        assert AuditEvent.objects.get(action="instance.resized").details == {"from": "xs", "to": "s"}

    def test_to_a_smaller_size_keeps_the_disks(self, running, by_owner, size_of):
        for size in ("m", "xs"):
            running.refresh_from_db()
            assert_succeeded(run(instance_resize(instance=running, size=Size.objects.get(pk=size), actor=by_owner)))
        running.refresh_from_db()
        assert running.size_id == "xs"
        assert running.disk_floor_gb == {"sql_disk_gb": 150, "gitserver_disk_gb": 500, "search_disk_gb": 230}
        assert (size_of("repos-gitserver-0"), size_of("pgsql")) == ("500Gi", "150Gi")
        assert_as_its_spec_says(running)

    def test_that_stops_after_the_disks_grew_keeps_those(self, running, by_owner, size_of):
        operation = instance_resize(instance=running, size=Size.objects.get(pk="s"), actor=by_owner)
        run_until_begun(operation, "application")
        operation_cancel(operation=operation, actor=by_owner, reason="Changed our mind.")
        assert run(operation).status == "undone"
        running.refresh_from_db()
        assert running.size_id == "xs"
        assert running.disk_floor_gb == {"sql_disk_gb": 50, "gitserver_disk_gb": 150, "search_disk_gb": 80}
        assert size_of("repos-gitserver-0") == "150Gi"
        assert_as_its_spec_says(running)

    def test_on_a_storage_class_that_cannot_grow_is_refused_and_leaves_no_mark(self, running, by_owner, cluster):
        cluster.patch(StorageClass, "standard-rwo", {"allowVolumeExpansion": False})
        operation = run(instance_resize(instance=running, size=Size.objects.get(pk="s"), actor=by_owner))
        assert operation.status == "undone"
        assert "cannot grow to 150 GiB" in operation.error
        assert "allowVolumeExpansion" in operation.error
        running.refresh_from_db()
        assert running.disk_floor_gb == {}
        assert_as_its_spec_says(running)

    def test_of_the_disks_alone_restarts_no_pod(self, running, by_owner, cluster):
        """The StatefulSets are set aside and made anew around the pods that go on."""
        spec = spec_of(running)
        before = pods_of(cluster, spec)
        larger = replace(spec, size=replace(spec.size, gitserver_disk_gb=99, frontend_replicas=2))
        assert_succeeded(run(operation_request(instance=running, kind="resize", actor=by_owner, wanted=larger)))
        after = pods_of(cluster, spec)
        assert before.items() <= after.items()
        found = cluster.get(StatefulSet, "gitserver", namespace=names.namespace(spec))
        assert found.spec.volumeClaimTemplates[0].spec.resources.requests["storage"] == "99Gi"


def pods_of(cluster, spec) -> dict[str, str]:
    """Their uids by name."""
    pods = cluster.list(Pod, namespace=names.namespace(spec))
    return {pod.metadata.name: pod.metadata.uid for pod in pods}
