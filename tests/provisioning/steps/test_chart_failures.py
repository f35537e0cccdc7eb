"""What goes wrong with a chart in the life of a release, with the real helm. People reach the instance all the while.

Helm that was killed and left a release pending is in test_release.py, what somebody changed by hand in test_drift.py.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from lightkube.core.client import Client
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod
from lightkube.types import PatchType

from provisioning.engine.action import AsWanted, Differs, Refused, UnderWay
from provisioning.fleet.charts import fetch, pin
from provisioning.models import Release
from provisioning.steps.release import Application, newest_revision
from provisioning.steps.rollout import Rollout
from provisioning.steps.volumes import VolumeSizes
from tests.conftest import chart_of_ours, release
from tests.provisioning.fleet.registries import registry
from tests.provisioning.steps.world import World

pytestmark = [pytest.mark.helm, pytest.mark.django_db]
OURS = Path(__file__).parents[3] / "charts" / "sourcegraph"
NEXT = "5.12.0"
Change = Callable[[Path], object]


@pytest.fixture
def installed(brought: World) -> World:
    """Version 5.11.0 runs."""
    brought.build("rollout")
    return brought


@pytest.fixture
def answers(installed, devcloud):
    """The version that people reach."""

    def ask() -> str:
        host = {"Host": installed.spec.domain}
        return httpx.get(f"{devcloud.http_url}/__version", headers=host, trust_env=False).raise_for_status().text

    return ask


@pytest.fixture
def next_release(tmp_path):
    """Version 5.12.0 has the project's chart, but for this change of its files."""

    def make(change: Change) -> Release:
        folder = tmp_path / "chart"
        shutil.copytree(OURS, folder)
        change(folder)
        return release(NEXT, chart=pin(fetch(str(folder))))

    return make


def add(file: str, text: str) -> Change:
    return lambda folder: (folder / file).write_text(text)


def upgraded(world: World) -> World:
    return replace(world, spec=replace(world.spec, app_version=NEXT))


def status_of(cluster: Client, world: World) -> tuple[int, str]:
    newest = newest_revision(cluster, world.spec)
    assert newest
    return newest.number, newest.status


def disk(cluster: Client, world: World) -> tuple[str, str]:
    """Which claim gitserver has, and how large its volume is."""
    claim = cluster.get(PersistentVolumeClaim, "repos-gitserver-0", namespace=world.spec.id)
    assert claim.metadata
    assert claim.status
    return str(claim.metadata.uid), (claim.status.capacity or {})["storage"]


class TestAFailedUpgrade:
    def test_keeps_people_on_the_version_before(self, installed, cluster, devcloud, answers):
        """The new pods crash: the old ones go on, and the release goes back to them."""
        release(NEXT)
        behaviour = {"kind": "Deployment", "name": "sourcegraph-frontend", "behaviour": "crash_loop", "image_tag": NEXT}
        devcloud.control("POST", "kubernetes/behaviour", behaviour)
        new = upgraded(installed)
        new.reach(Application())
        with pytest.raises(Refused, match="keeps crashing"):
            new.reach(Rollout())
        assert answers() == "5.11.0"
        installed.reach(Application())
        installed.reach(Rollout())
        assert (answers(), status_of(cluster, installed)) == ("5.11.0", (3, "deployed"))

    def test_half_of_which_was_applied_goes_back(self, installed, cluster, answers, next_release):
        """What helm applies last is refused when all else has been changed already."""
        next_release(
            add(
                "templates/wrong.yaml",
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: wrong}\nspec: {rulez: []}\n",
            )
        )
        with pytest.raises(Refused, match="rulez"):
            Application().make(upgraded(installed).context())
        assert status_of(cluster, installed) == (2, "failed")
        assert answers()
        assert Application().look(installed.context()) == Differs("revision 2 is failed")
        installed.reach(Application())
        installed.reach(Rollout())
        assert answers() == "5.11.0"

    def test_that_cannot_be_rendered_touches_nothing(self, installed, cluster, answers, next_release):
        next_release(add("templates/wrong.yaml", "{{ .Values.nothing.at.all }}"))
        with pytest.raises(Refused, match="Mend the chart"):
            Application().make(upgraded(installed).context())
        assert (answers(), status_of(cluster, installed)) == ("5.11.0", (1, "deployed"))

    def test_whose_values_the_charts_schema_refuses_touches_nothing(self, installed, cluster, answers, next_release):
        schema = {"properties": {"frontend": {"properties": {"replicaCount": {"type": "integer", "minimum": 7}}}}}
        next_release(add("values.schema.json", json.dumps(schema)))
        with pytest.raises(Refused, match=r"don't meet the specifications of the schema") as refused:
            Application().make(upgraded(installed).context())
        assert "replicaCount" in refused.value.why
        assert (answers(), status_of(cluster, installed)) == ("5.11.0", (1, "deployed"))


class TestFixedFields:
    """Of a StatefulSet that is there, Kubernetes changes few."""

    @pytest.fixture
    def new(self, installed, next_release) -> World:
        """The instance as it is to be: all pods of a set may be replaced at once."""

        def parallel(folder: Path) -> None:
            template = folder / "templates" / "_workloads.tpl"
            text = template.read_text()
            assert "serviceName:" in text
            template.write_text(text.replace("serviceName:", "podManagementPolicy: Parallel\n  serviceName:"))

        next_release(parallel)
        return upgraded(installed)

    def test_are_changed_around_the_pods_that_go_on(self, new, installed, cluster, answers):
        before = disk(cluster, installed)
        assert Application().make(new.context()).startswith("put aside what the chart cannot change of gitserver")
        assert answers()
        assert cluster.get(Pod, "gitserver-0", namespace=installed.spec.id)
        new.reach(Application())
        new.reach(Rollout())
        found = cluster.get(StatefulSet, "gitserver", namespace=installed.spec.id)
        assert found.spec.podManagementPolicy == "Parallel"
        assert disk(cluster, installed) == before
        assert answers() == NEXT

    def test_are_changed_on_the_way_back_as_well(self, new, installed, answers):
        new.reach(Application())
        installed.reach(Application())
        installed.reach(Rollout())
        assert answers() == "5.11.0"


def test_a_volume_grows_on_the_way_to_the_next_version(installed, cluster, devcloud, answers):
    """The claim is patched, waited for, the set put aside, and then the release applied: nothing is lost."""
    release(NEXT)
    before, _ = disk(cluster, installed)
    larger = replace(installed.spec, app_version=NEXT, size=replace(installed.spec.size, gitserver_disk_gb=80))
    new = replace(installed, spec=larger)
    assert isinstance(VolumeSizes().look(new.context()), Differs)
    VolumeSizes().make(new.context())
    assert isinstance(VolumeSizes().look(new.context()), UnderWay | AsWanted)
    new.reach(VolumeSizes())
    assert Application().make(new.context()) == f"applied version {NEXT} in place of gitserver"
    new.reach(Rollout())
    assert disk(cluster, installed) == (before, "80Gi")
    assert answers() == NEXT


class TestAnotherManager:
    @pytest.fixture
    def taken(self, installed, cluster):
        """Somebody's operator has made fields of the release its own, as server-side apply lets it."""
        containers = [{"name": "worker", "image": "mine/worker"}]
        document = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "worker", "namespace": installed.spec.id},
            "spec": {"replicas": 3, "template": {"spec": {"containers": containers}}},
        }
        cluster.patch(
            Deployment, "worker", document, namespace=installed.spec.id, patch_type=PatchType.APPLY,
            field_manager="operator", force=True,
        )  # fmt: skip

    @pytest.mark.usefixtures("taken")
    def test_does_not_keep_the_next_version_from_being_applied(self, installed, cluster, answers):
        release(NEXT)
        new = upgraded(installed)
        new.reach(Application())
        new.reach(Rollout())
        worker = cluster.get(Deployment, "worker", namespace=installed.spec.id)
        assert worker.spec.replicas == 1
        assert worker.spec.template.spec.containers[0].image.endswith(f"/worker:{NEXT}")
        assert answers() == NEXT


class TestTheChart:
    def test_of_a_release_without_one_is_asked_of_a_person(self, installed, answers):
        Release.objects.create(app_version=NEXT, chart_version=NEXT, kind="minor")
        with pytest.raises(Refused, match=rf"manage.py release_import {NEXT}"):
            Application().make(upgraded(installed).context())
        assert answers() == "5.11.0"

    def test_is_applied_when_the_registry_is_gone(self, installed, answers, settings):
        with registry() as known:
            known.offer("sourcegraph", "5.11.0", chart_of_ours().content)
            archive = fetch(f"oci://{known.address}/charts/sourcegraph", "5.11.0")
        release(NEXT, chart=pin(archive))
        new = upgraded(installed)
        new.reach(Application())
        new.reach(Rollout())
        assert answers() == NEXT

    def test_is_another_revision_when_only_the_chart_differs(self, installed, cluster, next_release):
        made = next_release(add("templates/note.yaml", "# nothing\n"))
        Release.objects.filter(app_version="5.11.0").update(chart=made.chart)
        assert Application().look(installed.context()) == Differs("revision 1 was asked for with other values")
        installed.reach(Application())
        assert status_of(cluster, installed) == (2, "deployed")
