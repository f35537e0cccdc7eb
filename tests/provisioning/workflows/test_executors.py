"""Executors of a running instance: switched on, made more, put to sleep and woken, switched off."""

import base64
import json
from typing import Any

import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod, Secret

from provisioning.clients.google import api, execute
from provisioning.clients.kubernetes import connected
from provisioning.models import Instance
from provisioning.services import instance_apply_features, instance_resume
from provisioning.spec import FeatureSpec, spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.secrets import store_of
from tests.provisioning.workflows.harness import assert_succeeded, run
from tests.provisioning.workflows.wishes import assert_as_its_spec_says, suspend

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]


@pytest.fixture
def switch(running, by_owner):
    """The instance has so many executors."""

    def switch(count: int) -> None:
        features = [FeatureSpec("executors", units=count, parts=("executors",))] if count else []
        running.refresh_from_db()
        assert_succeeded(run(instance_apply_features(instance=running, features=features, actor=by_owner)))

    return switch


@pytest.fixture
def cluster(running):
    with connected(kubeconfig_for(spec_of(running))) as client:
        yield client


def nodes_of(instance: Instance) -> int | None:
    """How many the executors have; None without a pool."""
    parent = names.cluster_path(spec_of(instance))
    listed = execute(api("container", "v1").projects().locations().clusters().nodePools().list(parent=parent))
    return next((p.get("initialNodeCount", 0) for p in listed["nodePools"] if p["name"] == "executors"), None)


def wish_of(cluster) -> dict[str, Any]:
    """What the application was last told of itself."""
    data = cluster.get(Secret, "site-configuration", namespace="sourcegraph").data["options"]
    options = base64.b64decode(data).decode()
    return dict(json.loads(base64.b64decode(options.rpartition("portal.wish=")[2])))


def test_they_are_switched_on_counted_and_switched_off(running, switch, cluster):
    switch(2)
    with store_of(spec_of(running)) as store:
        token = store.read("executor-token")
    assert base64.b64decode(cluster.get(Secret, "executor", namespace="sourcegraph").data["token"]).decode() == token
    wish = wish_of(cluster)
    assert wish["set"]["executors.accessToken"] == token
    assert wish["flags"] == {"native-ssbc-execution": True}
    assert nodes_of(running) == 2

    switch(3)
    assert nodes_of(running) == 3
    assert cluster.get(Deployment, "executor", namespace="sourcegraph").status.availableReplicas == 3

    switch(1)
    assert nodes_of(running) == 1

    switch(0)
    assert nodes_of(running) is None
    assert wish_of(cluster) == {
        "set": {"externalURL": wish["set"]["externalURL"], "cody.enabled": False},
        "unset": ["codeIntelAutoIndexing.enabled", "executors.accessToken", "executors.frontendURL"],
        "flags": {"native-ssbc-execution": False},
    }
    assert "executor" not in {item.metadata.name for item in cluster.list(Secret, namespace="sourcegraph")}
    assert_as_its_spec_says(running)


def test_each_runs_on_a_node_of_its_own_and_nothing_else_does(running, switch, cluster):
    switch(2)
    pods = list(cluster.list(Pod, namespace="sourcegraph"))
    theirs = [pod.spec.nodeName for pod in pods if (pod.metadata.labels or {}).get("app") == "executor"]
    assert sorted(theirs) == ["executors-1", "executors-2"]
    assert {pod.spec.nodeName for pod in pods} & {"executors-1", "executors-2"} == set(theirs)
    others = [pod.spec.nodeName for pod in pods if (pod.metadata.labels or {}).get("app") != "executor"]
    assert all(name.startswith("main-") for name in others)


def test_they_sleep_and_wake_with_the_instance(running, switch, by_owner):
    switch(2)
    suspend(running, by_owner)
    assert nodes_of(running) == 0
    assert_as_its_spec_says(running)
    running.refresh_from_db()
    assert_succeeded(run(instance_resume(instance=running, actor=by_owner, reason="They paid.")))
    assert nodes_of(running) == 2
    assert_as_its_spec_says(running)


def test_the_token_is_nowhere_in_our_database(running, switch):
    switch(1)
    with store_of(spec_of(running)) as store:
        token = store.read("executor-token")
    assert token
    operation = running.operations.latest("created_at")
    kept = [operation.wanted, operation.previous, *operation.steps.values_list("outputs", "error")]
    assert token not in str(kept)
