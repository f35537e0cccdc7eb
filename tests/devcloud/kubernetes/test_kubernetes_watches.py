"""Watches see every transition, from where they were asked to start."""

import json
import threading

from tests.devcloud.kubernetes.manifests import APPS, CORE, config_map, deployment

MAPS = f"{CORE}/configmaps"


def _events(api, path, **params):
    """Every event until the watch's own time is up."""
    with api.stream("GET", path, params={"watch": "true", "timeoutSeconds": 1, **params}) as answer:
        return [json.loads(line) for line in answer.iter_lines()]


def _told(events):
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def test_a_watch_starts_with_what_is_there_and_says_when_that_is_told(api):
    api.post(MAPS, json=config_map("a"))
    events = _events(
        api, MAPS, sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true"
    )
    assert _told(events) == [("ADDED", "a"), ("BOOKMARK", "")]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_watch_goes_on_from_a_version(api):
    version = api.get(MAPS).json()["metadata"]["resourceVersion"]
    api.post(MAPS, json=config_map("a"))
    api.put(f"{MAPS}/a", json=config_map("a", colour="red"))
    api.delete(f"{MAPS}/a")
    told = [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert _told(_events(api, MAPS, resourceVersion=version)) == told


def test_leaving_the_selection_is_told_as_deleted(api):
    body = config_map("a")
    body["metadata"]["labels"] = {"team": "red"}
    api.post(MAPS, json=body)
    version = api.get(MAPS).json()["metadata"]["resourceVersion"]
    body["metadata"]["labels"] = {"team": "blue"}
    api.put(f"{MAPS}/a", json=body)
    assert _told(_events(api, MAPS, resourceVersion=version, labelSelector="team=red")) == [("DELETED", "a")]


def test_a_watch_sees_a_deployment_become_available_without_anybody_asking(api, cluster):
    seen: list[str] = []
    begun = threading.Event()

    def watch() -> None:
        with (
            cluster.client() as client,
            client.stream("GET", f"{APPS}/deployments", params={"watch": "true", "timeoutSeconds": 5}) as answer,
        ):
            begun.set()
            for line in answer.iter_lines():
                conditions = json.loads(line)["object"].get("status", {}).get("conditions", [])
                seen.extend(found["status"] for found in conditions if found["type"] == "Available")
                if "True" in seen:
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert begun.wait(5)
    api.post(f"{APPS}/deployments", json=deployment())
    watcher.join()
    assert seen[0] == "False"
    assert seen[-1] == "True"


def test_a_watch_ends_when_its_cluster_goes(stand, cluster, api):
    with api.stream("GET", MAPS, params={"watch": "true", "timeoutSeconds": 60}) as answer:
        assert stand.control.delete(f"/kubernetes/clusters/{cluster.id}").status_code == 204
        assert list(answer.iter_lines()) == []


def test_initial_events_need_their_match(api):
    assert api.get(MAPS, params={"watch": "true", "sendInitialEvents": "true"}).status_code == 400
