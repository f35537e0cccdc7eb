"""Who is let in, and what of a cluster is seen from outside."""

import time

import httpx
import pytest

from devcloud.kubernetes.clusters import create_cluster
from tests.devcloud.kubernetes.manifests import CORE, config_map
from tests.devcloud.kubernetes.stand import Cluster, Stand


@pytest.fixture
def google_cluster(stand: Stand) -> Cluster:
    """A cluster of the project acme-1, without a token of its own."""
    found = stand.cluster(token="unused")
    stand.on_loop(lambda: create_cluster(stand.cloud, found.id, owner="acme-1", minor_version="1.33", ready_at=0.0))
    return found


def _token(stand, name, project, expires_at):
    document = {"project": project, "email": "portal@acme-1.example", "expires_at": expires_at}
    stand.on_loop(lambda: stand.cloud.store.put("access_tokens", name, document))
    return name


def _status(cluster, token):
    with cluster.client(token) as client:
        return client.get("/api/v1/namespaces").status_code


def test_the_version_and_the_probes_need_no_token(cluster):
    with cluster.client("wrong") as client:
        assert client.get("/version").json()["minor"] == "33"
        assert [client.get(path).text for path in ("/healthz", "/readyz", "/livez")] == ["ok", "ok", "ok"]


def test_an_unknown_token_is_unauthorized(cluster):
    with cluster.client("wrong") as client:
        answer = client.get("/api/v1/namespaces")
        assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")


def test_a_token_opens_the_clusters_of_its_own_project_only(stand, google_cluster):
    later = time.time() + 3600
    assert _status(google_cluster, _token(stand, "t1", "acme-1", later)) == 200
    assert _status(google_cluster, _token(stand, "t2", "globex-1", later)) == 401


def test_an_expired_token_is_unauthorized(stand, google_cluster):
    assert _status(google_cluster, _token(stand, "t3", "acme-1", time.time() - 1)) == 401


def test_a_token_may_be_limited_to_one_namespace(stand):
    limited = stand.cluster(namespace="default")
    with limited.client() as client:
        assert client.post(f"{CORE}/configmaps", json=config_map()).status_code == 201
        assert client.get("/apis/storage.k8s.io/v1/storageclasses").status_code == 200
        role = {"metadata": {"name": "reader"}, "rules": []}
        refused = client.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", json=role)
        assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
        assert client.get("/api/v1/namespaces/kube-system/secrets").status_code == 403


def test_what_one_may_do_can_be_asked(stand):
    review = {"spec": {"resourceAttributes": {"verb": "create", "resource": "clusterroles"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    with stand.cluster().client() as client:
        assert client.post(path, json=review).json()["status"] == {"allowed": True}
    with stand.cluster(namespace="default").client() as client:
        assert client.post(path, json=review).json()["status"] == {"allowed": False}


def test_a_cluster_that_is_gone_does_not_answer_as_a_cluster(stand):
    gone = stand.cluster()
    assert stand.control.delete(f"/kubernetes/clusters/{gone.id}").status_code == 204
    with gone.client() as client, pytest.raises(httpx.TransportError):
        client.get("/version")
    listed = stand.control.get("/kubernetes/clusters").json()["clusters"]
    assert gone.id not in [found["id"] for found in listed]


def test_a_cluster_answers_only_once_it_is_ready(stand):
    early = stand.cluster()
    later = time.time() + 3600
    stand.on_loop(lambda: create_cluster(stand.cloud, early.id, owner="acme-1", minor_version="1.33", ready_at=later))
    with early.client() as client, pytest.raises(httpx.TransportError):
        client.get("/version")


def test_a_fault_rule_answers_as_the_server_would(stand, api):
    stand.fault(method="POST configmaps", nth=1, effect="status", status=503, reason="ServiceUnavailable")
    answer = api.post(f"{CORE}/configmaps", json=config_map())
    assert (answer.status_code, answer.json()["kind"], answer.json()["reason"]) == (503, "Status", "ServiceUnavailable")
    assert api.post(f"{CORE}/configmaps", json=config_map()).status_code == 201


def test_a_write_may_happen_although_its_answer_is_lost(stand, api):
    stand.fault(method="POST configmaps", nth=1, effect="act_then_drop")
    with pytest.raises(httpx.TransportError):
        api.post(f"{CORE}/configmaps", json=config_map())
    assert api.get(f"{CORE}/configmaps/settings").status_code == 200


def test_clusters_know_nothing_of_each_other(stand):
    with stand.cluster().client() as one, stand.cluster().client() as other:
        one.post(f"{CORE}/configmaps", json=config_map())
        assert other.get(f"{CORE}/configmaps").json()["items"] == []


def test_discovery_tells_the_same_in_both_forms(cluster):
    aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    with cluster.client() as client:
        whole = client.get("/apis", headers={"Accept": aggregated}).json()
        apps = next(item for item in whole["items"] if item["metadata"]["name"] == "apps")
        found = {resource["resource"] for resource in apps["versions"][0]["resources"]}
        plain = client.get("/apis/apps/v1").json()["resources"]
        assert found == {item["name"] for item in plain if "/" not in item["name"]}
        assert "backendconfigs" in {
            item["name"] for item in client.get("/apis/cloud.google.com/v1").json()["resources"]
        }
