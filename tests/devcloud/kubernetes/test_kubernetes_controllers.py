"""Workloads come up after a while, wait for what they need, and fail when told to."""

from devcloud.kubernetes.clusters import NodeGroup, set_nodes
from tests.devcloud.kubernetes.manifests import (
    APPS,
    BATCH,
    CORE,
    conditions,
    deployment,
    job,
    secret,
    service,
    stateful_set,
)

WEB = f"{APPS}/deployments/web"


def _pods(api):
    return api.get(f"{CORE}/pods").json()["items"]


def _images(api):
    return sorted(pod["spec"]["containers"][0]["image"] for pod in _pods(api))


def _waiting(api):
    return {status["state"]["waiting"]["reason"] for pod in _pods(api) for status in pod["status"]["containerStatuses"]}


def _complete(api, path=WEB):
    status = api.get(path).json().get("status", {})
    return status.get("readyReplicas") == status.get("updatedReplicas") == status.get("replicas") != 0


def test_a_deployment_is_available_once_its_pods_are_ready(api, cluster, eventually):
    told = {"cluster": cluster.id, "kind": "Deployment", "name": "web"}
    cluster.stand.behave(**told, behaviour="never_ready")
    api.post(f"{APPS}/deployments", json=deployment())
    early = api.get(WEB).json()
    assert conditions(early)["Available"] == "False"
    cluster.stand.behave(**told, behaviour="normal")
    eventually(lambda: _complete(api))
    ready = api.get(WEB).json()
    assert conditions(ready) == {"Available": "True", "Progressing": "True"}
    assert ready["status"]["availableReplicas"] == 2


def test_a_new_template_replaces_the_pods_and_an_old_one_comes_back(api, eventually):
    api.post(f"{APPS}/deployments", json=deployment())
    eventually(lambda: _complete(api))
    api.put(WEB, json=deployment(image="app:2"))
    eventually(lambda: _images(api) == ["app:2", "app:2"])
    api.put(WEB, json=deployment(image="app:1"))
    eventually(lambda: _images(api) == ["app:1", "app:1"])
    sets = api.get(f"{APPS}/replicasets").json()["items"]
    revisions = {item["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for item in sets}
    assert revisions == {"2", "3"}


def test_old_pods_keep_serving_while_new_ones_crash(api, cluster, eventually):
    api.post(f"{APPS}/deployments", json=deployment())
    eventually(lambda: _complete(api))
    told = {"cluster": cluster.id, "kind": "Deployment", "name": "web"}
    cluster.stand.behave(**told, behaviour="crash_loop", image_tag="2")
    api.put(WEB, json=deployment(image="app:2", progressDeadlineSeconds=1))
    eventually(lambda: conditions(api.get(WEB).json())["Progressing"] == "False")
    assert _images(api) == ["app:1", "app:1", "app:2", "app:2"]
    assert conditions(api.get(WEB).json())["Available"] == "True"
    new = [pod for pod in _pods(api) if pod["spec"]["containers"][0]["image"] == "app:2"]
    assert new[0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    cluster.stand.behave(**told, behaviour="normal", image_tag="2")
    eventually(lambda: _images(api) == ["app:2", "app:2"])


def test_a_deployment_told_so_is_never_ready(api, cluster, eventually):
    cluster.stand.behave(cluster=cluster.id, kind="Deployment", name="web", behaviour="never_ready")
    api.post(f"{APPS}/deployments", json=deployment())
    eventually(lambda: {pod["status"]["phase"] for pod in _pods(api)} == {"Running"})
    assert conditions(api.get(WEB).json())["Available"] == "False"


def test_a_pod_told_so_has_run_out_of_memory_once_and_is_up_again(api, cluster, eventually):
    told = {"cluster": cluster.id, "kind": "Deployment", "name": "web"}
    cluster.stand.behave(**told, behaviour="out_of_memory")
    api.post(f"{APPS}/deployments", json=deployment())
    eventually(lambda: _complete(api))
    [status] = _pods(api)[0]["status"]["containerStatuses"]
    assert (status["restartCount"], status["lastState"]["terminated"]["reason"]) == (1, "OOMKilled")
    cluster.stand.behave(**told, behaviour="normal")
    eventually(lambda: "lastState" not in _pods(api)[0]["status"]["containerStatuses"][0])


def test_a_pod_waits_for_its_secret(api, eventually):
    body = deployment()
    source = {"secretKeyRef": {"name": "database", "key": "password"}}
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "PGPASSWORD", "valueFrom": source}]
    api.post(f"{APPS}/deployments", json=body)
    assert _waiting(api) == {"CreateContainerConfigError"}
    api.post(f"{CORE}/secrets", json=secret("database", password="x"))
    eventually(lambda: _complete(api))


def test_without_a_node_pods_stay_pending(stand, cluster, api, eventually):
    api.post(f"{APPS}/deployments", json=deployment())
    eventually(lambda: _complete(api))
    stand.on_loop(lambda: set_nodes(stand.cloud, cluster.id, []))
    assert {pod["status"]["phase"] for pod in _pods(api)} == {"Pending"}
    assert _pods(api)[0]["status"]["conditions"][0]["reason"] == "Unschedulable"
    stand.on_loop(lambda: set_nodes(stand.cloud, cluster.id, [NodeGroup("node", 1)]))
    eventually(lambda: _complete(api))


def test_a_taint_keeps_pods_away_that_do_not_tolerate_it(stand, cluster, api, eventually):
    """And those that select such nodes, and keep apart from each other, come one to each."""
    taint = {"key": "dedicated", "value": "jobs", "effect": "NoSchedule"}
    jobs = NodeGroup("jobs", 1, {"for": "jobs"}, (taint,))
    stand.on_loop(lambda: set_nodes(stand.cloud, cluster.id, [jobs, NodeGroup("main", 1)]))
    api.post(f"{APPS}/deployments", json=deployment())
    eventually(lambda: _complete(api))
    assert {pod["spec"]["nodeName"] for pod in _pods(api)} == {"main-1"}
    api.delete(WEB)

    body = deployment()
    body["spec"]["replicas"] = 2
    apart = {"labelSelector": body["spec"]["selector"], "topologyKey": "kubernetes.io/hostname"}
    body["spec"]["template"]["spec"] |= {
        "nodeSelector": {"for": "jobs"},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "jobs", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
    }
    api.post(f"{APPS}/deployments", json=body)
    eventually(lambda: api.get(WEB).json()["status"].get("readyReplicas") == 1)
    assert sorted(pod["spec"].get("nodeName", "") for pod in _pods(api)) == ["", "jobs-1"]
    more = NodeGroup("jobs", 2, {"for": "jobs"}, (taint,))
    stand.on_loop(lambda: set_nodes(stand.cloud, cluster.id, [more, NodeGroup("main", 1)]))
    eventually(lambda: _complete(api))


def test_a_stateful_set_gets_claims_and_they_outlive_it(api, eventually):
    api.post(f"{APPS}/statefulsets", json=stateful_set(replicas=2))
    eventually(lambda: _complete(api, f"{APPS}/statefulsets/store"))
    assert [pod["metadata"]["name"] for pod in _pods(api)] == ["store-0", "store-1"]
    api.delete(f"{APPS}/statefulsets/store")
    claims = api.get(f"{CORE}/persistentvolumeclaims").json()["items"]
    assert [claim["metadata"]["name"] for claim in claims] == ["data-store-0", "data-store-1"]
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}


def test_an_orphaned_pod_is_adopted_and_not_restarted(api, eventually):
    api.post(f"{APPS}/statefulsets", json=stateful_set())
    eventually(lambda: _complete(api, f"{APPS}/statefulsets/store"))
    before = _pods(api)[0]["metadata"]["uid"]
    api.request("DELETE", f"{APPS}/statefulsets/store", json={"propagationPolicy": "Orphan"})
    api.post(f"{APPS}/statefulsets", json=stateful_set(size="20Gi"))
    eventually(lambda: _complete(api, f"{APPS}/statefulsets/store"))
    assert [pod["metadata"]["uid"] for pod in _pods(api)] == [before]


def test_volumes_are_kept_where_their_class_retains_them(api, eventually):
    retain = {"metadata": {"name": "keep"}, "provisioner": "pd.csi.storage.gke.io", "reclaimPolicy": "Retain"}
    api.post("/apis/storage.k8s.io/v1/storageclasses", json=retain)
    for name, storage_class in (("kept", "keep"), ("gone", "standard")):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        body = {"metadata": {"name": name}, "spec": {**spec, "storageClassName": storage_class}}
        api.post(f"{CORE}/persistentvolumeclaims", json=body)
    volumes = "/api/v1/persistentvolumes"
    eventually(lambda: len(api.get(volumes).json()["items"]) == 2)
    api.delete(f"{CORE}/persistentvolumeclaims/kept")
    api.delete(f"{CORE}/persistentvolumeclaims/gone")
    left = api.get(volumes).json()["items"]
    assert [(item["spec"]["claimRef"]["name"], item["status"]["phase"]) for item in left] == [("kept", "Released")]


def test_a_claim_whose_class_waits_for_a_consumer_stays_pending(api):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    api.post(f"{CORE}/persistentvolumeclaims", json={"metadata": {"name": "idle"}, "spec": spec})
    claim = api.get(f"{CORE}/persistentvolumeclaims/idle").json()
    assert (claim["spec"]["storageClassName"], claim["status"]["phase"]) == ("standard-rwo", "Pending")


def test_a_job_completes_or_fails_when_told_to(api, cluster, eventually):
    cluster.stand.behave(cluster=cluster.id, kind="Job", name="bad", behaviour="job_fails")
    api.post(f"{BATCH}/jobs", json=job("good"))
    api.post(f"{BATCH}/jobs", json=job("bad"))
    eventually(lambda: conditions(api.get(f"{BATCH}/jobs/good").json()).get("Complete") == "True")
    eventually(lambda: conditions(api.get(f"{BATCH}/jobs/bad").json()).get("Failed") == "True")


def test_load_balancers_and_ingresses_get_an_address(api, eventually):
    api.post(f"{CORE}/services", json={**service(), "spec": {**service()["spec"], "type": "LoadBalancer"}})
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
    api.post(ingresses, json={"metadata": {"name": "web"}, "spec": {"rules": [rule]}})
    for path in (f"{CORE}/services/web", f"{ingresses}/web"):
        eventually(
            lambda path=path: (
                api.get(path).json()["status"]["loadBalancer"].get("ingress")
                if "status" in api.get(path).json()
                else None
            )
        )


def test_a_daemon_set_has_a_pod_on_each_node(api, stand, cluster, eventually):
    body = deployment()
    spec = {key: body["spec"][key] for key in ("selector", "template")}
    api.post(f"{APPS}/daemonsets", json={"metadata": {"name": "agent"}, "spec": spec})
    stand.on_loop(lambda: set_nodes(stand.cloud, cluster.id, [NodeGroup("node", 3)]))
    eventually(lambda: api.get(f"{APPS}/daemonsets/agent").json()["status"]["numberReady"] == 3)
