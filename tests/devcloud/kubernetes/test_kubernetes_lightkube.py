"""The Python client that the portal uses, against the API server."""

from collections.abc import Iterator

import pytest
import yaml
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Pod, Secret
from lightkube.types import PatchType

from tests.devcloud.kubernetes.manifests import deployment


@pytest.fixture
def client(cluster) -> Iterator[Client]:
    config = KubeConfig.from_dict(yaml.safe_load(cluster.kubeconfig))
    with Client(config=config, namespace="default", field_manager="portal") as client:
        yield client


def test_it_creates_lists_and_deletes(client):
    client.create(Namespace(metadata=ObjectMeta(name="team")))
    client.create(Secret(metadata=ObjectMeta(name="auth", namespace="team"), stringData={"a": "b"}))
    assert [found.metadata.name for found in client.list(Secret, namespace="*", fields={"metadata.name": "auth"})]
    client.delete(Namespace, "team")
    with pytest.raises(ApiError) as refused:
        client.get(Namespace, "team")
    assert (refused.value.status.code, refused.value.status.reason) == (404, "NotFound")


def test_it_applies_twice_and_sees_a_conflict(client):
    client.apply(Deployment.from_dict(deployment()))
    client.apply(Deployment.from_dict(deployment()))
    with pytest.raises(ApiError, match=r'conflict with "portal": \.spec\.replicas'):
        client.apply(Deployment.from_dict(deployment(replicas=4)), field_manager="somebody")


def test_it_watches_a_rollout_to_its_end(client):
    client.create(Deployment.from_dict(deployment()))
    client.wait(Deployment, "web", for_conditions=["Available"])
    assert client.get(Deployment, "web").status.availableReplicas == 2
    assert len(list(client.list(Pod, labels={"app": "web"}))) == 2


def test_it_patches_and_scales(client):
    client.create(Deployment.from_dict(deployment()))
    client.patch(Deployment, "web", {"spec": {"replicas": 3}})
    client.patch(Deployment, "web", [{"op": "add", "path": "/metadata/labels", "value": {}}], patch_type=PatchType.JSON)
    scale = client.get(Deployment.Scale, "web")
    assert scale.spec.replicas == 3
    scale.spec.replicas = 0
    client.replace(scale)
    assert client.get(Deployment, "web").spec.replicas == 0


def test_it_reads_a_pod_s_log(client, eventually):
    client.create(Deployment.from_dict(deployment()))
    pod = next(iter(client.list(Pod)))
    eventually(lambda: any("starting app:1" in line for line in _log_of(client, pod.metadata.name)))


def _log_of(client, name):
    """Nothing yet as long as its container has not started."""
    try:
        return list(client.log(name, tail_lines=200))
    except ApiError:
        return []
