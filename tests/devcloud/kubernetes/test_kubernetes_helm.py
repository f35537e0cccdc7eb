"""Real Helm against the API server: everything that the portal asks of it, and how it goes wrong."""

import json
import signal

import httpx
import pytest

from tests.devcloud.kubernetes.helm import CHART, DATABASES, NAMESPACE, SHARED, Helm, prepare, version

pytestmark = pytest.mark.helm

APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
FRONTEND = f"{APPS}/deployments/sourcegraph-frontend"
WAIT = ("--wait", "--timeout", "30s")
IMPATIENT = ("--wait", "--timeout", "2s")


@pytest.fixture
def helm(cluster, api, tmp_path) -> Helm:
    prepare(api)
    return Helm(cluster, tmp_path / "helm")


def _tag(api):
    return api.get(FRONTEND).json()["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]


def _pods(api):
    return {item["metadata"]["name"] for item in api.get(f"{CORE}/pods").json()["items"]}


def _crash(cluster, tag):
    cluster.stand.behave(
        cluster=cluster.id, kind="Deployment", name="sourcegraph-frontend", behaviour="crash_loop", image_tag=tag
    )


def test_it_installs_and_waits_until_everything_is_ready(helm, api):
    installed = helm.install(*WAIT)
    assert installed.returncode == 0, installed.stderr
    assert helm.status() == "deployed"
    deployments = api.get(f"{APPS}/deployments").json()["items"]
    assert all(item["status"]["readyReplicas"] == item["spec"]["replicas"] for item in deployments)


def test_the_application_answers_on_the_host_of_its_ingress(helm, stand, cluster):
    host = f"{cluster.id}.sourcegraph.localhost"
    assert helm.install(*WAIT, **{"frontend.ingress.host": host}).returncode == 0
    found = httpx.get(f"{stand.cloud.addresses.http_url}/__version", headers={"Host": host})
    assert (found.status_code, found.text) == (200, "5.11.0")


def test_an_upgrade_without_a_change_restarts_nothing(helm, api):
    helm.install(*WAIT)
    before = _pods(api)
    assert helm.upgrade().returncode == 0
    assert _pods(api) == before
    assert helm.history() == ["superseded", "deployed"]


def test_an_upgrade_brings_the_new_version(helm, api):
    helm.install(*WAIT)
    upgraded = helm.upgrade(*WAIT, **version("5.11.1"))
    assert upgraded.returncode == 0, upgraded.stderr
    assert _tag(api) == "5.11.1"


def test_a_failed_upgrade_leaves_the_old_version_serving_and_rolls_back(helm, api, cluster):
    helm.install(*WAIT)
    _crash(cluster, "5.12.0")
    failed = helm.upgrade(*IMPATIENT, **version("5.12.0"))
    assert failed.returncode != 0
    assert helm.history() == ["deployed", "failed"]
    assert api.get(FRONTEND).json()["status"]["availableReplicas"] == 2
    back = helm.run("rollback", "sourcegraph", "1", *WAIT)
    assert back.returncode == 0, back.stderr
    assert _tag(api) == "5.11.0"
    assert helm.history() == ["superseded", "failed", "deployed"]


def test_rollback_on_failure_undoes_by_itself(helm, api, cluster):
    helm.install(*WAIT)
    _crash(cluster, "5.12.0")
    assert helm.upgrade("--rollback-on-failure", "--timeout", "3s", **version("5.12.0")).returncode != 0
    assert (helm.status(), _tag(api)) == ("deployed", "5.11.0")


def test_a_killed_upgrade_stays_pending_until_it_is_rolled_back(helm, api, cluster, eventually):
    helm.install(*WAIT)
    _crash(cluster, "5.12.0")
    given = {f"{key}.auth.existingSecret": name for key, name in DATABASES.items()} | version("5.12.0")
    flags = [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
    running = helm.start("upgrade", "sourcegraph", str(CHART), "--wait", *flags)
    eventually(lambda: _tag(api) == "5.12.0")
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert helm.status() == "pending-upgrade"
    refused = helm.upgrade()
    assert "another operation (install/upgrade/rollback) is in progress" in refused.stderr
    repaired = helm.run("rollback", "sourcegraph", "1", *WAIT)
    assert repaired.returncode == 0, repaired.stderr
    assert (helm.status(), _tag(api)) == ("deployed", "5.11.0")
    assert helm.upgrade().returncode == 0


def test_uninstalling_keeps_the_claims_and_the_retained_volumes(helm, api):
    helm.install(*WAIT)
    removed = helm.run("uninstall", "sourcegraph", *WAIT)
    assert removed.returncode == 0, removed.stderr
    assert helm.status() == "absent"
    assert _pods(api) == set()
    claims = api.get(f"{CORE}/persistentvolumeclaims").json()["items"]
    assert [claim["metadata"]["name"] for claim in claims] == [
        "cache-searcher-0",
        "data-indexed-search-0",
        "repos-gitserver-0",
    ]
    phases = [volume["status"]["phase"] for volume in api.get("/api/v1/persistentvolumes").json()["items"]]
    assert sorted(phases) == ["Bound"] * 3 + ["Released"] * 3


def test_an_old_cluster_needs_client_side_apply(stand, tmp_path):
    old = stand.cluster(minor_version="1.21")
    with old.client() as api:
        prepare(api)
        helm = Helm(old, tmp_path / "helm")
        assert 'omits key field "protocol"' in helm.install().stderr
        helm.run("uninstall", "sourcegraph")
        installed = helm.install(*WAIT, "--server-side=false")
        assert installed.returncode == 0, installed.stderr
        upgraded = helm.upgrade(*WAIT, "--server-side=false", **version("5.11.1"))
        assert upgraded.returncode == 0, upgraded.stderr
        assert _tag(api) == "5.11.1"


def test_a_release_may_change_from_client_side_to_server_side_apply(helm, api):
    helm.install(*WAIT, "--server-side=false")
    upgraded = helm.upgrade("--server-side=true", **version("5.11.1"))
    assert upgraded.returncode == 0, upgraded.stderr
    assert _tag(api) == "5.11.1"


def test_a_deployment_scaled_by_hand_conflicts_unless_forced(helm, api):
    helm.install(*WAIT)
    merge = {"Content-Type": "application/merge-patch+json"}
    api.patch(f"{FRONTEND}/scale", json={"spec": {"replicas": 0}}, headers=merge, params={"fieldManager": "kubectl"})
    refused = helm.upgrade()
    assert 'conflict with "kubectl"' in refused.stderr
    assert ".spec.replicas" in refused.stderr
    forced = helm.upgrade("--force-conflicts")
    assert forced.returncode == 0, forced.stderr
    assert api.get(FRONTEND).json()["spec"]["replicas"] == 2


def test_a_bigger_disk_is_refused_until_the_stateful_set_is_orphaned(helm, api):
    helm.install(*WAIT)
    bigger = {"gitserver.storageSize": "300Gi"}
    assert "updates to statefulset spec for fields other than" in helm.upgrade(**bigger).stderr
    merge = {"Content-Type": "application/merge-patch+json"}
    grown = {"spec": {"resources": {"requests": {"storage": "300Gi"}}}}
    api.patch(f"{CORE}/persistentvolumeclaims/repos-gitserver-0", json=grown, headers=merge)
    api.request("DELETE", f"{APPS}/statefulsets/gitserver", json={"propagationPolicy": "Orphan"})
    upgraded = helm.upgrade(*WAIT, **bigger)
    assert upgraded.returncode == 0, upgraded.stderr
    assert api.get(f"{APPS}/statefulsets/gitserver").json()["status"]["readyReplicas"] == 1


def test_two_releases_share_a_cluster_without_the_cluster_wide_parts(helm, api, cluster, tmp_path):
    helm.install()
    prepare(api, "second")
    second = Helm(cluster, tmp_path / "second", "second")
    refused = second.install()
    assert "cannot be imported into the current release: invalid ownership metadata" in refused.stderr
    assert second.install(**SHARED).returncode == 0


def test_a_token_of_one_namespace_is_enough_without_the_cluster_wide_parts(stand, tmp_path):
    limited = stand.cluster(namespace=NAMESPACE)
    with limited.client() as api:
        prepare(api)
        helm = Helm(limited, tmp_path / "helm")
        assert "forbidden" in helm.install().stderr
        helm.run("uninstall", "sourcegraph")
        api.delete(f"{CORE}/persistentvolumeclaims")  # they name a class that never came to be
        installed = helm.install(*WAIT, **SHARED)
        assert installed.returncode == 0, installed.stderr


def test_a_typo_in_a_rendered_object_is_refused_by_the_server(helm):
    extra = json.dumps([{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}])
    refused = helm.install("--set-json", f"extraResources={extra}")
    assert 'unknown field "spec.prots"' in refused.stderr
