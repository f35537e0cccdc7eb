"""The end of a container's log, as strict as the real server about whose it is."""

from typing import Any

import pytest

from tests.devcloud.kubernetes.manifests import CORE, secret

PODS = f"{CORE}/pods"


def pod(name: str, *containers: str, **spec) -> dict[str, Any]:
    listed = [{"name": container, "image": f"{container}:1"} for container in containers]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": listed, **spec}}


@pytest.fixture
def running(api, eventually):
    """Makes a pod of these containers and waits until it runs."""

    def running(*containers: str, **spec) -> str:
        api.post(PODS, json=pod("web", *containers, **spec)).raise_for_status()
        eventually(lambda: api.get(f"{PODS}/web").json()["status"].get("phase") == "Running")
        return f"{PODS}/web/log"

    return running


def test_the_only_container_need_not_be_named(api, running):
    answer = api.get(running("app"))
    assert answer.headers["content-type"].startswith("text/plain")
    assert "INFO app starting app:1" in answer.text


def test_so_many_lines_of_its_end(api, running):
    log = running("app")
    whole = api.get(log).text.splitlines()
    assert len(whole) > 7
    assert api.get(log, params={"tailLines": 7}).text.splitlines()[-1].endswith("healthz: ok")
    assert len(api.get(log, params={"tailLines": 7}).text.splitlines()) == 7
    assert api.get(log, params={"tailLines": 0}).text == ""


def test_where_there_are_several_one_has_to_be_named(api, running):
    log = running("app", "proxy", initContainers=[{"name": "first", "image": "first:1"}])
    refused = api.get(log)
    assert (refused.status_code, refused.json()["reason"]) == (400, "BadRequest")
    assert refused.json()["message"] == (
        "a container name must be specified for pod web, choose one of: [app proxy]"
        " or one of the init containers: [first]"
    )
    assert "proxy starting" in api.get(log, params={"container": "proxy"}).text


def test_another_pods_container_is_a_bad_request(api, running):
    refused = api.get(running("app"), params={"container": "database"})
    assert (refused.status_code, refused.json()["message"]) == (400, "container database is not valid for pod web")


def test_an_unknown_pod_is_not_found(api):
    refused = api.get(f"{PODS}/nobody/log")
    assert (refused.status_code, refused.json()["message"]) == (404, 'pods "nobody" not found')


def test_one_that_has_not_started_has_none_yet(api, eventually):
    waiting = pod("web", "app")
    source = {"secretKeyRef": {"name": "absent", "key": "password"}}
    waiting["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "valueFrom": source}]
    api.post(PODS, json=waiting).raise_for_status()
    refused = api.get(f"{PODS}/web/log")
    assert refused.status_code == 400
    assert refused.json()["message"] == 'container "app" in pod "web" is waiting to start: CreateContainerConfigError'


def test_a_number_of_lines_is_a_number(api, running):
    refused = api.get(running("app"), params={"tailLines": "-3"})
    assert (refused.status_code, refused.json()["reason"]) == (422, "Invalid")


def test_a_log_is_only_read(api, running):
    assert api.delete(running("app")).status_code == 405


def test_no_secret_is_in_it(api, running):
    api.post(f"{CORE}/secrets", json=secret("keys", password="hunter2")).raise_for_status()
    source = {"secretKeyRef": {"name": "keys", "key": "password"}}
    env = [{"name": "PASSWORD", "valueFrom": source}]
    listed = [{"name": "app", "image": "app:1", "env": env}]
    assert "hunter2" not in api.get(running(containers=listed)).text


def test_what_keeps_crashing_says_so(stand, cluster, api, eventually):
    stand.behave(cluster=cluster.id, kind="Pod", name="web", behaviour="crash_loop")
    api.post(PODS, json=pod("web", "app")).raise_for_status()

    def crashed() -> bool:
        statuses = api.get(f"{PODS}/web").json()["status"].get("containerStatuses", [{}])
        return bool(statuses[0].get("restartCount") == 5)

    eventually(crashed)
    assert "ERROR app ended: it crashed (restarts: 5)" in api.get(f"{PODS}/web/log").text
    [event] = api.get(f"{CORE}/events").json()["items"]
    assert (event["reason"], event["type"], event["involvedObject"]["name"]) == ("BackOff", "Warning", "web")


def test_what_cannot_start_is_an_event_once(api):
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "absent"}}
    api.post(PODS, json=pod("web", "app", volumes=[claim])).raise_for_status()
    for _ in range(2):
        [event] = api.get(f"{CORE}/events").json()["items"]
    assert event["reason"] == "FailedScheduling"
    assert 'persistentvolumeclaim "absent" not found' in event["message"]
