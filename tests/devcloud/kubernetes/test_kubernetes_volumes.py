"""Volumes that grow, StatefulSets that are set aside, and pods that hold theirs up."""

import pytest

from tests.devcloud.kubernetes.manifests import stateful_set

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
SETS = "/apis/apps/v1/namespaces/default/statefulsets"
PODS = "/api/v1/namespaces/default/pods"
MERGE = {"Content-Type": "application/merge-patch+json"}


def patched(api, path: str, change):
    return api.patch(path, json=change, headers=MERGE)


def asking_for(size: str):
    return {"spec": {"resources": {"requests": {"storage": size}}}}


@pytest.fixture
def store(api, eventually):
    """A running StatefulSet of one pod, and its pod."""
    api.post(SETS, json=stateful_set(size="5Gi")).raise_for_status()
    eventually(lambda: api.get(f"{SETS}/store").json()["status"].get("readyReplicas") == 1)
    return api.get(f"{PODS}/store-0").json()


class TestAClaim:
    def test_grows_after_a_moment(self, api, store, eventually):
        assert patched(api, f"{CLAIMS}/data-store-0", asking_for("9Gi")).status_code == 200
        eventually(lambda: api.get(f"{CLAIMS}/data-store-0").json()["status"]["capacity"]["storage"] == "9Gi")

    def test_never_shrinks(self, api, store):
        answer = patched(api, f"{CLAIMS}/data-store-0", asking_for("4Gi"))
        assert answer.status_code == 422
        assert "field can not be less than previous value" in answer.json()["message"]

    def test_grows_only_where_its_storage_class_lets_it(self, api, store):
        patched(api, "/apis/storage.k8s.io/v1/storageclasses/standard-rwo", {"allowVolumeExpansion": False})
        answer = patched(api, f"{CLAIMS}/data-store-0", asking_for("9Gi"))
        assert answer.status_code == 403
        assert answer.json()["message"].startswith(
            'persistentvolumeclaims "data-store-0" is forbidden: only dynamically'
        )

    def test_does_not_change_before_it_is_bound(self, api):
        claim = {
            "metadata": {"name": "idle"},
            "spec": stateful_set(size="5Gi")["spec"]["volumeClaimTemplates"][0]["spec"],
        }
        api.post(CLAIMS, json=claim).raise_for_status()
        answer = patched(api, f"{CLAIMS}/idle", asking_for("9Gi"))
        assert answer.status_code == 422
        assert "except resources.requests and volumeAttributesClassName for bound claims" in answer.json()["message"]


class TestAStatefulSet:
    def test_keeps_its_claim_templates(self, api, store):
        templates = stateful_set(size="9Gi")["spec"]["volumeClaimTemplates"]
        answer = patched(api, f"{SETS}/store", {"spec": {"volumeClaimTemplates": templates}})
        assert answer.status_code == 422
        assert "updates to statefulset spec for fields other than 'replicas', 'ordinals'" in answer.json()["message"]

    def test_made_anew_takes_over_the_pods_that_were_left(self, api, store, eventually):
        api.delete(f"{SETS}/store", params={"propagationPolicy": "Orphan"}).raise_for_status()
        orphan = api.get(f"{PODS}/store-0").json()
        assert not orphan["metadata"].get("ownerReferences")
        api.post(SETS, json=stateful_set(size="9Gi")).raise_for_status()
        eventually(lambda: api.get(f"{SETS}/store").json()["status"].get("readyReplicas") == 1)
        pod = api.get(f"{PODS}/store-0").json()
        assert pod["metadata"]["uid"] == store["metadata"]["uid"]
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"

    def test_waits_for_ever_for_a_pod_that_never_became_ready(self, api, store, cluster, eventually):
        """As a real one with OrderedReady: the pod has to be removed by hand."""
        cluster.stand.behave(
            kind="StatefulSet", name="store", behaviour="crash_loop", image_tag="2", cluster=cluster.id
        )
        image = {"spec": {"template": stateful_set(image="store:2", size="5Gi")["spec"]["template"]}}
        patched(api, f"{SETS}/store", image).raise_for_status()
        eventually(lambda: "CrashLoopBackOff" in api.get(f"{PODS}/store-0").text)
        patched(
            api, f"{SETS}/store", {"spec": {"template": stateful_set(size="5Gi")["spec"]["template"]}}
        ).raise_for_status()
        status = api.get(f"{SETS}/store").json()["status"]
        assert (status["updatedReplicas"], status["readyReplicas"]) == (0, 0)
        assert "CrashLoopBackOff" in api.get(f"{PODS}/store-0").text
        api.delete(f"{PODS}/store-0").raise_for_status()
        eventually(lambda: api.get(f"{SETS}/store").json()["status"].get("readyReplicas") == 1)
