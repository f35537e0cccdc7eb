"""Leaks, both ways, in devcloud: what nobody owns, and whose own is gone."""

from datetime import timedelta

import pytest
from lightkube.models.core_v1 import ObjectReference, PersistentVolumeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolume

from portal.core import clock as time
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.clients.kubernetes import connected
from provisioning.models import Instance, InstanceStatus, Leak
from provisioning.selectors import open_leaks
from provisioning.services import leak_remove, leaks_check_request, operation_request
from provisioning.services.leaks import leaks_look_for, sources
from provisioning.spec import spec_of
from provisioning.steps import inventory
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.dns import DnsRecord
from provisioning.steps.project import Project
from tests.provisioning.bringing import bring
from tests.provisioning.steps.world import World
from tests.provisioning.workflows.conftest import devcloud, devcloud_server

__all__ = ["devcloud", "devcloud_server"]
LONG_AGO = timedelta(days=2)


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """The wake-up calls that were sent, and no broker."""
    sent: list[str] = []
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda _app, name, **_options: sent.append(name))
    return sent


@pytest.fixture(autouse=True)
def _no_broker(calls):
    pass


@pytest.fixture
def dedicated(devcloud, trial) -> World:
    """Acme's trial with a project and a name in the zone."""
    world = World(spec_of(trial))
    world.build("dns")
    return world


@pytest.fixture
def brought(devcloud, trial, acme, alice) -> World:
    """Acme's trial on a cluster that somebody brought."""
    trial.tenancy, trial.cluster = "byok", bring(devcloud, acme, alice)
    trial.save()
    world = World(spec_of(trial))
    world.build("namespace")
    return world


def become(instance: Instance, status: InstanceStatus) -> None:
    at = time.now() - LONG_AGO if status == InstanceStatus.DELETED else None
    Instance.objects.filter(pk=instance.pk).update(status=status, deleted_at=at)


def found() -> list[tuple[str, str]]:
    return sorted(open_leaks().values_list("kind", "resource"))


def check() -> list[str]:
    """Every source is listed; answers what went wrong."""
    return [why for source in sources() if (why := leaks_look_for(source))]


def test_nothing_leaks_from_a_live_instance(dedicated, trial):
    assert check() == []
    assert found() == []
    become(trial, InstanceStatus.RUNNING)
    assert check() == []
    assert found() == []


def test_what_a_deleted_instance_left_is_found_once_and_until_it_is_gone(dedicated, trial):
    become(trial, InstanceStatus.DELETED)
    assert check() == check() == []
    project = f"//cloudresourcemanager.googleapis.com/projects/{trial.pk}"
    zone = "//dns.googleapis.com/projects/portal-host/managedZones/instances"
    assert found() == [("orphan", project), ("orphan", f"{zone}/rrsets/{trial.domain}.")]
    assert Leak.objects.count() == 2
    assert set(open_leaks().values_list("instance_id", flat=True)) == {trial.pk}

    dedicated.drop(Project())
    assert check() == []
    assert found() == [("orphan", f"{zone}/rrsets/{trial.domain}.")]
    assert Leak.objects.get(resource=project).resolved_at is not None


def test_a_listing_that_lags_makes_no_orphan_of_what_has_just_been_deleted(dedicated, trial):
    Instance.objects.filter(pk=trial.pk).update(status=InstanceStatus.DELETED, deleted_at=time.now())
    assert check() == []
    assert found() == []


def test_a_running_instance_without_its_project_is_found(dedicated, trial):
    become(trial, InstanceStatus.RUNNING)
    dedicated.drop(Project())
    assert check() == []
    assert found() == [("gone", f"//cloudresourcemanager.googleapis.com/projects/{trial.pk}")]

    become(trial, InstanceStatus.DELETED)
    assert check() == []
    assert not open_leaks().filter(kind="gone").exists(), "nobody misses what a deleted instance had"


def test_an_instance_that_is_being_built_or_torn_down_misses_nothing(devcloud, trial, by_alice, toy_world):
    become(trial, InstanceStatus.RUNNING)
    toy_world.wait("ground", again=3600, times=100)
    operation_request(instance=trial, kind="teardown", actor=by_alice)
    assert check() == []
    assert found() == []


def test_lost_rights_are_not_taken_for_lost_projects(devcloud, trial):
    become(trial, InstanceStatus.RUNNING)
    devcloud.add_fault("cloudresourcemanager.projects.get", "status", status=403)
    devcloud.add_fault("cloudresourcemanager.folders.testIamPermissions", "status", status=403)
    assert check() != []
    assert found() == []


def test_a_source_that_fails_keeps_its_leaks_and_does_not_stop_the_others(dedicated, trial, devcloud):
    become(trial, InstanceStatus.DELETED)
    check()
    dedicated.drop(Project())
    devcloud.add_fault("dns.resourceRecordSets.list", "status", status=503, count=1)
    (why,) = check()
    assert "503" in why
    (left,) = open_leaks()
    assert left.source == "dns"


def test_projects_of_another_parent_are_not_ours(dedicated, trial, settings):
    become(trial, InstanceStatus.DELETED)
    settings.GOOGLE_PARENT = "folders/100000000002"
    check()
    assert not open_leaks().filter(source="projects").exists()


def test_namespaces_and_kept_volumes_on_a_brought_cluster_are_found(brought, trial):
    assert check() == []
    assert found() == []
    keep_a_volume(brought)
    become(trial, InstanceStatus.DELETED)
    assert check() == []
    assert found() == [
        ("orphan", f"{trial.cluster_id}/k8s:namespaces/{trial.pk}"),
        ("orphan", f"{trial.cluster_id}/k8s:persistentvolumes/kept"),
    ]
    assert set(open_leaks().values_list("instance_id", flat=True)) == {trial.pk}


def test_a_cluster_that_does_not_answer_keeps_its_leaks(brought, trial, devcloud):
    become(trial, InstanceStatus.DELETED)
    check()
    before = found()
    devcloud.add_fault("GET namespaces", "status", service="kubernetes", status=503)
    assert len(check()) == 1
    assert found() == before != []


def test_a_leak_of_a_known_instance_is_removed_by_a_teardown(trial, by_ada, toy_world):
    become(trial, InstanceStatus.DELETED)
    leak = Leak.objects.create(kind="orphan", resource="//x/projects/p", source="projects", instance_id=trial.pk)
    operation = leak_remove(leak=leak, actor=by_ada, reason="Left over.")
    assert (operation.kind, operation.instance, operation.status) == ("teardown", trial, "running")
    assert AuditEvent.objects.filter(action="leak.remove", object_id=str(leak.pk)).exists()


def test_it_says_what_to_do_about_a_leak_that_no_teardown_removes(trial, by_ada, toy_world):
    unknown = Leak(kind="orphan", resource="//x/projects/p", instance_id="src-unknown")
    with pytest.raises(Invalid, match="Find out who made it"):
        leak_remove(leak=unknown, actor=by_ada, reason="")
    with pytest.raises(Conflict, match="delete the instance"):
        leak_remove(leak=Leak(kind="orphan", resource="p", instance_id=trial.pk), actor=by_ada, reason="")
    with pytest.raises(Invalid, match="it is gone"):
        leak_remove(leak=Leak(kind="gone", resource="p", instance_id=trial.pk), actor=by_ada, reason="")


def test_each_source_is_a_task_of_its_own(brought, by_ada, calls, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        leaks_check_request(actor=by_ada)
    assert calls == ["provisioning.tasks.list_source"] * 3


def keep_a_volume(world: World) -> None:
    """As a StorageClass that retains leaves one behind."""
    claim = ObjectReference(namespace=world.spec.id, name="data")
    spec = PersistentVolumeSpec(accessModes=["ReadWriteOnce"], capacity={"storage": "1Gi"}, claimRef=claim)
    volume = PersistentVolume(metadata=ObjectMeta(name="kept"), spec=spec)
    with connected(kubeconfig_for(world.spec)) as cluster:
        cluster.create(volume)
        cluster.patch(PersistentVolume.Status, "kept", {"status": {"phase": "Released"}})


def test_listings_and_steps_call_a_thing_by_the_same_name(dedicated):
    context = dedicated.context()
    listed = {found.resource for found in (*inventory.projects(), *inventory.names_in_zone())}
    assert listed == {Project().resource(context), DnsRecord().resource(context)}
