"""Objects: made, read, listed, refused and removed as the real server does."""

import pytest

from tests.devcloud.kubernetes.manifests import APPS, CORE, config_map, deployment, job, secret, service, stateful_set

STRICT = {"fieldValidation": "Strict"}


def test_a_created_object_gets_what_only_the_server_sets(api):
    created = api.post(f"{CORE}/configmaps", json=config_map(colour="blue"))
    assert created.status_code == 201
    metadata = created.json()["metadata"]
    assert metadata["namespace"] == "default"
    assert {"uid", "resourceVersion", "creationTimestamp", "managedFields"} <= metadata.keys()


def test_a_taken_name_is_a_conflict(api):
    api.post(f"{CORE}/configmaps", json=config_map())
    again = api.post(f"{CORE}/configmaps", json=config_map())
    assert (again.status_code, again.json()["reason"]) == (409, "AlreadyExists")
    assert again.json()["message"] == 'configmaps "settings" already exists'


def test_what_is_not_there_is_a_status_with_reason_not_found(api):
    answer = api.get(f"{APPS}/deployments/nothing")
    assert answer.status_code == 404
    assert answer.json()["message"] == 'deployments.apps "nothing" not found'
    assert answer.json()["details"] == {"name": "nothing", "group": "apps", "kind": "deployments"}


def test_an_unknown_kind_is_not_found_either(api):
    assert (
        api.get("/apis/example.com/v1/widgets").json()["message"] == "the server could not find the requested resource"
    )


def test_a_namespace_must_exist_first(api):
    answer = api.post("/api/v1/namespaces/elsewhere/configmaps", json=config_map())
    assert (answer.status_code, answer.json()["message"]) == (404, 'namespaces "elsewhere" not found')


def test_an_outdated_version_is_refused(api):
    first = api.post(f"{CORE}/configmaps", json=config_map(colour="blue")).json()
    assert api.put(f"{CORE}/configmaps/settings", json={**first, "data": {"colour": "red"}}).status_code == 200
    late = api.put(f"{CORE}/configmaps/settings", json={**first, "data": {"colour": "green"}})
    assert (late.status_code, late.json()["reason"]) == (409, "Conflict")


def test_a_write_that_changes_nothing_is_no_new_version(api):
    first = api.post(f"{CORE}/configmaps", json=config_map(colour="blue")).json()
    second = api.put(f"{CORE}/configmaps/settings", json=config_map(colour="blue")).json()
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_only_a_change_of_the_spec_is_a_new_generation(api):
    api.post(f"{APPS}/deployments", json=deployment())
    labelled = deployment()
    labelled["metadata"]["labels"] = {"team": "blue"}
    assert api.put(f"{APPS}/deployments/web", json=labelled).json()["metadata"]["generation"] == 1
    assert api.put(f"{APPS}/deployments/web", json=deployment(replicas=3)).json()["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (f"{APPS}/deployments", {**deployment(), "spce": {}}, "spce"),
        (f"{APPS}/deployments", deployment(replicaCount=3), "spec.replicaCount"),
        (f"{CORE}/services", service(containerPort=80), "spec.ports[0].containerPort"),
    ],
)
def test_a_misspelt_field_is_refused_when_asked_to_be_strict(api, path, body, field):
    answer = api.post(path, json=body, params=STRICT)
    assert answer.status_code == 400
    assert f'strict decoding error: unknown field "{field}"' in answer.json()["message"]


def test_a_misspelt_field_is_dropped_otherwise(api):
    created = api.post(f"{APPS}/deployments", json=deployment(replicaCount=3))
    assert created.status_code == 201
    assert "replicaCount" not in created.json()["spec"]


def test_a_wrong_type_is_refused_always(api):
    answer = api.post(f"{APPS}/deployments", json=deployment(replicas="two"))
    assert answer.status_code == 400
    assert "cannot unmarshal string into Go struct field .spec.replicas of type int32" in answer.json()["message"]


def test_a_label_that_is_a_number_is_a_wrong_type(api):
    body = config_map()
    body["metadata"]["labels"] = {"version": 5}
    assert "cannot unmarshal number" in api.post(f"{CORE}/configmaps", json=body).json()["message"]


def _with_container(**container):
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0] |= container
    return body


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        (f"{APPS}/deployments", {**deployment(), "metadata": {"name": "Web_1"}}, "lowercase RFC 1123 subdomain"),
        (f"{APPS}/deployments", {**deployment(), "metadata": {"name": "web", "labels": {"a": "b c"}}}, "a valid label"),
        (f"{APPS}/deployments", deployment(selector={"matchLabels": {"app": "api"}}), "does not match template"),
        (f"{APPS}/deployments", {**deployment(), "spec": {}}, "spec.selector: Required value"),
        (f"{APPS}/deployments", _with_container(image=""), "containers[0].image: Required value"),
        (f"{APPS}/deployments", _with_container(volumeMounts=[{"name": "x", "mountPath": "/x"}]), 'Not found: "x"'),
        (
            f"{APPS}/deployments",
            _with_container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}}),
            "must be less than or equal to cpu limit of 500m",
        ),
        (f"{APPS}/deployments", _with_container(resources={"limits": {"memory": "8 GB"}}), "quantities must match"),
        (f"{CORE}/secrets", secret("big", blob="x" * 1_100_000), "may not be more than 1048576 bytes"),
    ],
)
def test_what_makes_no_sense_is_invalid(api, path, body, sentence):
    answer = api.post(path, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert sentence in answer.json()["message"]


def test_the_claims_of_a_stateful_set_cannot_change(api):
    api.post(f"{APPS}/statefulsets", json=stateful_set(size="10Gi"))
    answer = api.put(f"{APPS}/statefulsets/store", json=stateful_set(size="20Gi"))
    assert answer.status_code == 422
    assert "updates to statefulset spec for fields other than 'replicas'" in answer.json()["message"]
    assert api.put(f"{APPS}/statefulsets/store", json=stateful_set(image="app:2")).status_code == 200


def test_a_claim_grows_but_never_shrinks(api, eventually):
    api.post(f"{APPS}/statefulsets", json=stateful_set(size="10Gi"))
    path = f"{CORE}/persistentvolumeclaims/data-store-0"
    eventually(lambda: api.get(path).json()["status"].get("capacity") == {"storage": "10Gi"})
    grow = {"spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    assert _merge_patch(api, path, grow).status_code == 200
    eventually(lambda: api.get(path).json()["status"].get("capacity") == {"storage": "20Gi"})
    shrink = _merge_patch(api, path, {"spec": {"resources": {"requests": {"storage": "5Gi"}}}})
    assert "can not be less than previous value" in shrink.json()["message"]


def test_the_template_of_a_job_cannot_change(api):
    api.post("/apis/batch/v1/namespaces/default/jobs", json=job(image="app:1"))
    change = {"spec": {"template": {"spec": {"containers": [{"name": "migrate", "image": "app:2"}]}}}}
    answer = _merge_patch(api, "/apis/batch/v1/namespaces/default/jobs/migrate", change)
    assert "spec.template: Invalid value: field is immutable" in answer.json()["message"]


def test_a_list_is_narrowed_by_labels_fields_and_limit(api):
    for name, team in (("a", "blue"), ("b", "red"), ("c", "red")):
        body = config_map(name)
        body["metadata"]["labels"] = {"team": team}
        api.post(f"{CORE}/configmaps", json=body)

    def names(**params):
        found = api.get(f"{CORE}/configmaps", params=params).json()
        return [item["metadata"]["name"] for item in found["items"]]

    assert names(labelSelector="team=red") == ["b", "c"]
    assert names(labelSelector="team in (blue, green)") == ["a"]
    assert names(labelSelector="team!=red,team") == ["a"]
    assert names(fieldSelector="metadata.name=c") == ["c"]
    page = api.get(f"{CORE}/configmaps", params={"limit": 2}).json()
    assert names(limit=2, **{"continue": page["metadata"]["continue"]}) == ["c"]


@pytest.mark.parametrize(
    "params", [{"limit": "many"}, {"labelSelector": "a in (b"}, {"watch": "1", "resourceVersion": "x"}]
)
def test_a_question_that_makes_no_sense_is_a_bad_request(api, params):
    answer = api.get(f"{CORE}/configmaps", params=params)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_object_is_a_bad_request(api, body):
    answer = api.post(f"{CORE}/configmaps", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_owned_objects_go_with_their_owner_unless_orphaned(api, eventually):
    for policy, left in (("Background", 0), ("Orphan", 1)):
        api.post(f"{APPS}/deployments", json=deployment())
        eventually(lambda: api.get(f"{APPS}/replicasets").json()["items"])
        api.request("DELETE", f"{APPS}/deployments/web", json={"propagationPolicy": policy})
        assert len(api.get(f"{APPS}/replicasets").json()["items"]) == left


def test_an_object_with_finalizers_waits_until_they_are_taken_off(api):
    body = config_map()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    api.post(f"{CORE}/configmaps", json=body)
    api.delete(f"{CORE}/configmaps/settings")
    assert "deletionTimestamp" in api.get(f"{CORE}/configmaps/settings").json()["metadata"]
    _merge_patch(api, f"{CORE}/configmaps/settings", {"metadata": {"finalizers": None}})
    assert api.get(f"{CORE}/configmaps/settings").status_code == 404


def test_a_namespace_takes_its_content_with_it(api):
    api.post("/api/v1/namespaces", json={"metadata": {"name": "team"}})
    api.post("/api/v1/namespaces/team/configmaps", json=config_map())
    api.post("/apis/apps/v1/namespaces/team/deployments", json=deployment())
    api.delete("/api/v1/namespaces/team")
    api.post("/api/v1/namespaces", json={"metadata": {"name": "team"}})
    assert api.get("/api/v1/namespaces/team/configmaps").json()["items"] == []
    assert api.get("/api/v1/namespaces/team/pods").json()["items"] == []


def test_a_dry_run_stores_nothing(api):
    assert api.post(f"{CORE}/configmaps", json=config_map(), params={"dryRun": "All"}).status_code == 201
    assert api.get(f"{CORE}/configmaps/settings").status_code == 404


def test_text_of_a_secret_is_stored_as_base64(api):
    created = api.post(f"{CORE}/secrets", json=secret("auth", password="s3cret")).json()
    assert created["data"] == {"password": "czNjcmV0"}
    assert "stringData" not in created


def _merge_patch(api, path, body):
    return api.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"})
