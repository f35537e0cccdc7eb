"""A restart finds the clusters as they were, and goes on with what was under way."""

from tests.devcloud.kubernetes.manifests import APPS, CORE, conditions, config_map, deployment
from tests.devcloud.kubernetes.stand import Cluster, Stand


def test_a_restart_finds_objects_finishes_rollouts_and_forgets_watches(tmp_path, eventually):
    store = tmp_path / "store.sqlite"
    first = Stand(tmp_path, store)
    before = first.cluster(id="kept")
    with before.client() as api:
        api.post(f"{CORE}/configmaps", json=config_map(colour="blue"))
        version = int(api.post(f"{APPS}/deployments", json=deployment()).json()["metadata"]["resourceVersion"])
    first.stop()

    second = Stand(tmp_path, store)
    try:
        described = second.control.get("/kubernetes/clusters/kept").json()
        with Cluster(second, described["kubeconfig"]).client() as api:
            assert api.get(f"{CORE}/configmaps/settings").json()["data"] == {"colour": "blue"}
            web = f"{APPS}/deployments/web"
            eventually(lambda: conditions(api.get(web).json()).get("Available") == "True")
            assert int(api.get(web).json()["metadata"]["resourceVersion"]) > version
            watch = api.get(f"{APPS}/deployments", params={"watch": "true", "resourceVersion": str(version)})
            assert (watch.json()["type"], watch.json()["object"]["reason"]) == ("ERROR", "Expired")
    finally:
        second.stop()
