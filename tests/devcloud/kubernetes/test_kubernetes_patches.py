"""The four kinds of patch, and who owns a field after them."""

import json

import pytest

from tests.devcloud.kubernetes.manifests import APPS, CORE, config_map, deployment, service

APPLY = {"Content-Type": "application/apply-patch+yaml"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
WEB = f"{APPS}/deployments/web"


def _apply(api, path, body, manager="helm", **params):
    return api.patch(path, content=json.dumps(body), headers=APPLY, params={"fieldManager": manager, **params})


def _container(value):
    return value["spec"]["template"]["spec"]["containers"][0]


@pytest.fixture
def web(api):
    body = deployment()
    _container(body)["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    return api.post(f"{APPS}/deployments", json=body).json()


def test_a_json_patch_does_its_operations_in_order(api, web):
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/metadata/labels", "value": {}},
        {"op": "add", "path": "/metadata/labels/example.com~1team", "value": "blue"},
        {"op": "remove", "path": "/spec/template/spec/containers/0/env/0"},
    ]
    patched = api.patch(WEB, json=operations, headers=JSON_PATCH).json()
    assert patched["spec"]["replicas"] == 5
    assert patched["metadata"]["labels"] == {"example.com/team": "blue"}
    assert [entry["name"] for entry in _container(patched)["env"]] == ["B"]


def test_a_json_patch_whose_test_fails_changes_nothing(api, web):
    operations = [{"op": "test", "path": "/spec/replicas", "value": 9}, {"op": "remove", "path": "/spec/replicas"}]
    assert api.patch(WEB, json=operations, headers=JSON_PATCH).status_code == 400
    assert api.get(WEB).json()["spec"]["replicas"] == 2


def test_a_merge_patch_replaces_lists_whole_and_null_removes(api, web):
    containers = [{"name": "web", "image": "app:2"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}, "metadata": {"labels": {"x": "1"}}}
    patched = api.patch(WEB, json=body, headers=MERGE).json()
    assert "env" not in _container(patched)
    patched = api.patch(WEB, json={"metadata": {"labels": {"x": None}}}, headers=MERGE).json()
    assert "x" not in patched["metadata"].get("labels", {})


def test_a_strategic_merge_patch_merges_lists_by_their_key(api, web):
    env = [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}, {"name": "A", "$patch": "delete"}]
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": env}]}}}}
    patched = api.patch(WEB, json=body, headers=STRATEGIC).json()
    assert _container(patched)["image"] == "app:1"
    assert _container(patched)["env"] == [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]


def test_a_strategic_merge_patch_knows_the_order_and_the_keys_to_retain(api, web):
    env = {"$setElementOrder/env": [{"name": "B"}, {"name": "A"}], "env": [{"name": "A", "value": "9"}]}
    template = {"spec": {"containers": [{"name": "web", **env}]}}
    strategy = {"$retainKeys": ["type"], "type": "Recreate"}
    patched = api.patch(WEB, json={"spec": {"template": template, "strategy": strategy}}, headers=STRATEGIC).json()
    assert [entry["name"] for entry in _container(patched)["env"]] == ["B", "A"]
    assert patched["spec"]["strategy"] == {"type": "Recreate"}


def test_applying_makes_the_object_and_repeating_it_changes_nothing(api):
    first = _apply(api, f"{CORE}/services/web", service())
    assert first.status_code == 201
    again = _apply(api, f"{CORE}/services/web", service())
    assert again.status_code == 200
    assert again.json()["metadata"]["resourceVersion"] == first.json()["metadata"]["resourceVersion"]


def test_what_a_manager_no_longer_applies_is_removed(api):
    _apply(api, f"{CORE}/configmaps/settings", config_map(colour="blue", size="big"))
    applied = _apply(api, f"{CORE}/configmaps/settings", config_map(colour="blue")).json()
    assert applied["data"] == {"colour": "blue"}


def test_what_another_manager_applies_too_stays(api):
    _apply(api, f"{CORE}/configmaps/settings", config_map(colour="blue", size="big"))
    _apply(api, f"{CORE}/configmaps/settings", config_map(size="big"), manager="operator")
    applied = _apply(api, f"{CORE}/configmaps/settings", config_map(colour="blue")).json()
    assert applied["data"] == {"colour": "blue", "size": "big"}
    owners = {entry["manager"]: entry["fieldsV1"]["f:data"] for entry in applied["metadata"]["managedFields"]}
    assert owners == {"helm": {"f:colour": {}}, "operator": {"f:size": {}}}


def test_two_managers_that_want_different_values_conflict(api):
    _apply(api, WEB, deployment())
    answer = _apply(api, WEB, deployment(replicas=5), manager="operator")
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert answer.json()["message"] == 'Apply failed with 1 conflict: conflict with "helm": .spec.replicas'
    assert answer.json()["details"]["causes"][0]["reason"] == "FieldManagerConflict"


def test_force_takes_the_field_over(api):
    _apply(api, WEB, deployment())
    assert _apply(api, WEB, deployment(replicas=5), manager="operator", force="true").json()["spec"]["replicas"] == 5
    assert _apply(api, WEB, deployment(replicas=2)).status_code == 409


def test_scaling_by_hand_takes_the_replicas_over_from_helm(api):
    _apply(api, WEB, deployment())
    scaled = api.patch(
        f"{WEB}/scale", json={"spec": {"replicas": 0}}, headers=MERGE, params={"fieldManager": "kubectl"}
    )
    assert scaled.json()["spec"]["replicas"] == 0
    answer = _apply(api, WEB, deployment())
    assert answer.json()["message"] == 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas'


def test_items_of_a_keyed_list_have_owners_of_their_own(api):
    def container(image, **env):
        body = deployment(image=image)
        _container(body)["env"] = [{"name": name, "value": value} for name, value in env.items()]
        return body

    _apply(api, WEB, container("app:1", A="1"))
    mine = deployment()
    mine["spec"] = {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "B", "value": "2"}]}]}}}
    merged = _apply(api, WEB, mine, manager="injector").json()
    assert {entry["name"] for entry in _container(merged)["env"]} == {"A", "B"}
    after = _apply(api, WEB, container("app:2")).json()
    assert [entry["name"] for entry in _container(after)["env"]] == ["B"]


def test_applying_an_unknown_field_is_refused_whatever_was_asked(api):
    assert "unknown field" in _apply(api, WEB, deployment(replicaCount=1)).json()["message"]


def test_applying_needs_a_manager(api):
    answer = api.patch(WEB, content=json.dumps(deployment()), headers=APPLY)
    assert (answer.status_code, "fieldManager" in answer.json()["message"]) == (400, True)


def test_an_old_server_wants_the_protocol_of_every_port_applied(stand):
    with stand.cluster(minor_version="1.21").client() as old:
        answer = _apply(old, f"{CORE}/services/web", service())
        assert 'omits key field "protocol"' in answer.json()["message"]
        assert _apply(old, f"{CORE}/services/web", service(protocol="TCP")).status_code == 201


def test_patching_through_the_status_changes_only_the_status(api, web):
    body = {"spec": {"replicas": 9}, "status": {"observedGeneration": 7}}
    api.patch(f"{WEB}/status", json=body, headers=MERGE)
    assert api.get(WEB).json()["spec"]["replicas"] == 2
