"""The Helm release, with the real helm program."""

import copy
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from provisioning.clients import helm as helm_client
from provisioning.clients.helm import Helm, HelmFailed, major_version
from provisioning.clients.kubernetes import connected
from provisioning.engine.action import Differs, Missing, NotYet, Refused
from provisioning.fleet.charts import archive_of
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.release import Application, fingerprint, newest_revision, wanted_values
from provisioning.steps.rollout import Rollout
from provisioning.steps.volumes import VolumeSizes
from tests.conftest import release
from tests.provisioning.bringing import bring
from tests.provisioning.steps.world import World, spec_for_tests
from tests.waiting import eventually

pytestmark = [pytest.mark.helm, pytest.mark.django_db]


@pytest.fixture
def installed(brought):
    release("5.11.1", "patch")
    brought.build("application")
    return brought


@pytest.fixture
def helm(installed):
    return Helm(kubeconfig_for(installed.spec), installed.spec.id)


def newest(world):
    with connected(kubeconfig_for(world.spec)) as cluster:
        return newest_revision(cluster, world.spec)


@pytest.fixture
def killed_helm(devcloud):
    """Helm hangs while it applies the first of a kind, and is killed there, before it can tidy up."""

    def kill(world, at: str = "deployments") -> None:
        rule = devcloud.add_fault(f"P* {at}", "timeout", service="kubernetes", seconds=30.0)
        killer = threading.Thread(target=_kill_helm_once_held, args=(devcloud,))
        killer.start()
        with pytest.raises(HelmFailed):
            Application().make(world.context())
        killer.join()
        devcloud.control("DELETE", f"faults/{rule}")

    return kill


def _kill_helm_once_held(devcloud) -> None:
    eventually(lambda: devcloud.control("GET", "faults")["faults"][0]["matches"], within=60)
    for child in psutil.Process().children(recursive=True):
        if child.name() == "helm":
            child.kill()


def test_it_is_applied_once(installed, made):
    assert Application().make(installed.context()) == "found it applied already"
    assert newest(installed).number == 1


def test_other_values_are_another_revision(installed):
    installed.spec = replace(installed.spec, app_version="5.11.1")
    seen = Application().look(installed.context())
    assert seen == Differs("revision 1 was asked for with other values")
    installed.reach(Application())
    assert newest(installed).number == 2


def test_a_first_revision_left_pending_is_removed_and_made_again(brought, killed_helm):
    brought.build("connections")
    killed_helm(brought)
    assert Application().look(brought.context()) == Differs("revision 1 is pending-install")
    assert Application().make(brought.context()).startswith("removed the first revision")
    brought.reach(Application())
    assert newest(brought).status == "deployed"


def test_a_later_revision_left_pending_goes_back_to_the_last_good_one(installed, killed_helm):
    installed.spec = replace(installed.spec, app_version="5.11.1")
    killed_helm(installed)
    assert Application().look(installed.context()) == Differs("revision 2 is pending-upgrade")
    assert Application().make(installed.context()).startswith("rolled back to revision 1")
    installed.reach(Application())
    assert newest(installed).number == 4


def test_one_left_pending_after_its_disks_grew_goes_on_to_the_larger_ones(installed, killed_helm):
    """Helm cannot go back: claims do not shrink, and the templates of claims do not change."""
    installed.reach(Rollout())
    size = replace(installed.spec.size, gitserver_disk_gb=60, sql_disk_gb=30)
    installed.spec = replace(installed.spec, app_version="5.11.1", size=size)
    installed.reach(VolumeSizes())
    killed_helm(installed, at="ingresses")
    assert Application().look(installed.context()) == Differs("revision 2 is pending-upgrade")
    assert Application().make(installed.context()).startswith("could not go back")
    installed.reach(Application())
    assert newest(installed).status == "deployed"
    installed.reach(Rollout())


def test_helm_itself_tells_the_same(installed, helm):
    assert helm.status("sourcegraph")["info"]["status"] == "deployed"
    assert helm.status("other") is None
    assert helm.history("other") == []


def test_uninstalling_twice_is_fine(installed):
    Application().drop(installed.context())
    Application().drop(installed.context())
    assert isinstance(Application().look(installed.context()), Missing)


class TestTheChild:
    """The program as a child: its folders, its clock, its death."""

    def test_nothing_is_left_of_its_private_folder(self, installed, helm, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        helm.history("sourcegraph")
        assert list(tmp_path.iterdir()) == []

    def test_only_its_owner_may_read_what_it_is_given(self, installed, settings, tmp_path):
        said = self.listing(settings, tmp_path, kubeconfig_for(installed.spec))
        assert said == ["700 .", "600 ca.pem", "600 values.yaml", "home", "token"]
        assert self.listing(settings, tmp_path, {}) == ["700 .", "600 kubeconfig", "600 values.yaml", "home", ""]

    @staticmethod
    def listing(settings, tmp_path, document):
        """The rights of its files, whether its cache is below its home, and whether it has a token of its own."""
        program = tmp_path / "helm"
        program.write_text(
            '#!/bin/sh\nstat -c "%a %n" . ca.pem kubeconfig values.yaml 2>&-\n'
            'case "$HELM_CACHE_HOME" in "$HOME"*) echo home;; esac\necho "${HELM_KUBETOKEN:+token}"\n'
        )
        program.chmod(0o755)
        settings.HELM_BINARY = str(program)
        return Helm(document, "n")._run("x").splitlines()

    @pytest.mark.parametrize("more", [{}, {"tls-server-name": "127.0.0.1"}])
    def test_it_gets_into_the_cluster_by_variables_or_by_a_file(self, installed, more):
        document = copy.deepcopy(kubeconfig_for(installed.spec))
        document["clusters"][0]["cluster"] |= more
        assert Helm(document, installed.spec.id).history("sourcegraph")

    def test_no_secret_is_on_its_command_line(self, installed, settings, tmp_path):
        program = tmp_path / "helm"
        program.write_text('#!/bin/sh\necho "$@"\n')
        program.chmod(0o755)
        settings.HELM_BINARY = str(program)
        document = kubeconfig_for(installed.spec)
        said = Helm(document, "n")._run("upgrade", values={"a": "hush"})
        assert said.startswith("upgrade")
        assert "hush" not in said
        assert document["users"][0]["user"]["token"] not in said

    def test_it_is_stopped_when_its_time_is_over(self, settings, tmp_path):
        settings.HELM_BINARY, settings.HELM_TIMEOUT_SECONDS = "sleep", 0.2
        started = time.monotonic()
        with pytest.raises(HelmFailed, match="not done within"):
            helm_client.run(["sleep", "30"], tmp_path)
        assert time.monotonic() - started < 5

    def test_one_that_ignores_the_request_is_killed(self, settings, tmp_path):
        settings.HELM_TIMEOUT_SECONDS = 0.3
        settings.HELM_GRACE_SECONDS = 0.3
        with pytest.raises(HelmFailed):
            helm_client.run(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], tmp_path)

    def test_it_dies_with_the_worker(self, tmp_path):
        code = (
            "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'portal.settings'; django.setup()\n"
            "from pathlib import Path; from provisioning.clients.helm import run\n"
            f"run(['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 60'], Path('{tmp_path}'))\n"
        )
        worker = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))
        pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert eventually(lambda: not is_alive(pid))

    def test_its_version_is_known(self, devcloud):
        major_version.cache_clear()
        assert major_version() in {3, 4}

    @pytest.mark.parametrize(
        ("complaint", "kind"),
        [
            ("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress", NotYet),
            ("Error: execution error at (sourcegraph/templates/required.yaml:4:4): pgsql.auth is empty", Refused),
            ("Error: Kubernetes cluster unreachable: connection refused", HelmFailed),
            ("", HelmFailed),
        ],
        ids=["locked", "broken chart", "no cluster", "silent"],
    )
    def test_its_complaints_are_understood(self, tmp_path, complaint, kind):
        program = tmp_path / "complain"
        program.write_text(f"#!/bin/sh\necho '{complaint}' >&2\nexit 1\n")
        program.chmod(0o755)
        with pytest.raises(kind):
            helm_client.run([str(program)], tmp_path)


def test_a_cluster_too_old_for_server_side_apply_is_served(devcloud, catalogue, acme, ada):
    """Its API server rejects what Helm 4 applies by itself."""
    old = World(spec_for_tests(tenancy="byok", cluster_id=bring(devcloud, acme, ada, minor_version="1.20").pk))
    old.build("rollout")


def test_a_cluster_that_was_too_old_may_become_newer(installed, helm):
    """Helm would go on as it applied last, and refuse then to take over fields."""
    spec = installed.spec
    for apply in (False, True):
        labels = {"spec": fingerprint(spec)}
        helm.upgrade(
            "sourcegraph", archive_of(spec.app_version), values=wanted_values(spec), labels=labels, apply=apply
        )
        assert newest(installed).status == "deployed"


def test_old_clusters_are_served_without_server_side_apply(devcloud, settings, tmp_path):
    program = tmp_path / "helm"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = version ]; then exec {settings.HELM_BINARY} "$@"; fi\necho "$@" >> {tmp_path}/calls\n'
    )
    program.chmod(0o755)
    settings.HELM_BINARY = str(program)
    for apply in (True, False):
        Helm({}, "n").upgrade("r", b"", values={}, labels={"spec": "1"}, apply=apply)
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert {"--server-side=true", "--force-conflicts"} <= set(first.split())
    assert "--server-side=false" in second
    assert "--force-conflicts" not in second
    assert "--wait" not in first


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return bool(Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z")
