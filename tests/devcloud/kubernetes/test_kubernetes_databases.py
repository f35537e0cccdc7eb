"""What the application's pods make of the schema of their database."""

import copy

import pytest

from tests.devcloud.kubernetes.manifests import APPS, BATCH, CORE, deployment, job, secret

REPOSITORY = "index.docker.io/sourcegraph"
HOST = {"name": "PGHOST", "valueFrom": {"secretKeyRef": {"name": "pgsql-database", "key": "host"}}}


@pytest.fixture
def schema(stand, cluster, api):
    """Of a database in the cluster: the version that it is at, or is told to be at."""
    api.post(f"{CORE}/secrets", json=secret("pgsql-database", host="pgsql")).raise_for_status()
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "pgsql"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    api.post(f"{CORE}/persistentvolumeclaims", json=claim).raise_for_status()
    name = f"{cluster.id}/default/pgsql"

    def schema(version: str = "") -> str:
        if version:
            stand.control.put("/schemas", json={"database": name, "version": version}).raise_for_status()
        return str(stand.control.get("/schemas").json()["schemas"].get(name, ""))

    return schema


@pytest.fixture
def incompatible(stand):
    def tell(*versions: str) -> None:
        stand.control.put("/schemas/incompatible", json={"versions": versions}).raise_for_status()

    yield tell
    tell()


@pytest.fixture
def phase_of(api, eventually):
    """How a Job has ended."""

    def ended(name: str) -> str:
        def conditions():
            found = api.get(f"{BATCH}/jobs/{name}").json()["status"].get("conditions", ())
            return {each["type"] for each in found if each["status"] == "True"} & {"Complete", "Failed"}

        return str(eventually(conditions).pop())

    return ended


@pytest.fixture
def ready(api):
    return lambda name="frontend": api.get(f"{APPS}/deployments/{name}").json()["status"].get("readyReplicas", 0)


@pytest.fixture
def settled(api, eventually):
    """All pods of the frontend have come as far as they can."""

    def arrived() -> bool:
        pods = api.get(f"{CORE}/pods").json()["items"]
        return bool(pods) and all(pod["status"]["phase"] == "Running" for pod in pods)

    return lambda: eventually(arrived)


def migrator(version: str, name: str = "migrate"):
    made = job(name, f"{REPOSITORY}/migrator:{version}")
    made["spec"]["template"]["spec"]["containers"][0]["env"] = [HOST]
    return made


def frontend(version: str, *, migrates: bool = False):
    made = copy.deepcopy(deployment("frontend", f"{REPOSITORY}/frontend:{version}", replicas=1))
    pod = made["spec"]["template"]["spec"]
    pod["containers"][0]["env"] = [HOST]
    if migrates:
        pod["initContainers"] = [{"name": "migrator", "image": f"{REPOSITORY}/migrator:{version}", "env": [HOST]}]
    return made


def test_a_job_of_the_migrator_brings_the_schema_forward_and_never_back(api, schema, phase_of):
    api.post(f"{BATCH}/jobs", json=migrator("5.11.0"))
    assert (phase_of("migrate"), schema()) == ("Complete", "5.11.0")
    api.post(f"{BATCH}/jobs", json=migrator("5.10.1", "older"))
    assert (phase_of("older"), schema()) == ("Complete", "5.11.0")


def test_one_that_fails_leaves_the_schema_and_some_last_words(api, cluster, schema, phase_of):
    cluster.stand.behave(cluster=cluster.id, kind="Job", name="migrate", behaviour="job_fails")
    api.post(f"{BATCH}/jobs", json=migrator("5.11.0"))
    assert (phase_of("migrate"), schema()) == ("Failed", "")
    [pod] = api.get(f"{CORE}/pods").json()["items"]
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], bool(ended["message"])) == (1, True)


def test_a_frontend_waits_for_its_schema(api, schema, ready, settled, eventually):
    schema("5.10.1")
    api.post(f"{APPS}/deployments", json=frontend("5.11.0"))
    settled()
    assert ready() == 0
    schema("5.11.0")
    assert eventually(ready) == 1


def test_a_frontend_with_a_migrator_of_its_own_waits_for_nobody(api, schema, ready, eventually):
    api.post(f"{APPS}/deployments", json=frontend("5.11.0", migrates=True))
    assert (eventually(ready), schema()) == (1, "5.11.0")


def test_an_older_frontend_starts_on_a_newer_schema_unless_that_is_incompatible(
    api, schema, ready, settled, eventually, incompatible
):
    schema("5.12.0")
    incompatible("5.11.0")
    api.post(f"{APPS}/deployments", json=frontend("5.10.1"))
    settled()
    assert ready() == 0
    incompatible("5.13.0")
    assert eventually(ready) == 1


def test_a_version_is_told_as_one(stand):
    assert stand.control.put("/schemas/incompatible", json={"versions": ["latest"]}).status_code == 400
    assert stand.control.put("/disks", json={"project": "p", "disk": "d", "utilization": 95}).status_code == 400


def test_a_frontend_that_knows_no_database_starts_as_any_other(api, ready, eventually):
    made = frontend("5.11.0")
    del made["spec"]["template"]["spec"]["containers"][0]["env"]
    api.post(f"{APPS}/deployments", json=made)
    assert eventually(ready) == 1


def test_a_disk_takes_its_database_along(api, schema):
    schema("5.11.0")
    api.delete(f"{CORE}/persistentvolumeclaims/pgsql").raise_for_status()
    assert schema() == ""


def test_pods_wait_for_a_database_server_that_is_stopped(stand, cluster, api, ready, eventually):
    """It keeps its address, and nobody answers there."""
    api.post(f"{CORE}/secrets", json=secret("pgsql-database", host="10.64.0.3")).raise_for_status()

    def switch(policy: str) -> None:
        body = {"ipAddresses": [{"ipAddress": "10.64.0.3"}], "settings": {"activationPolicy": policy}}
        name = f"projects/{cluster.id}/instances/db"
        stand.on_loop(lambda: stand.cloud.store.put("sql.instances", name, {"body": body, "ready": True}))

    switch("NEVER")
    api.post(f"{APPS}/deployments", json=frontend("latest"))
    eventually(lambda: api.get(f"{CORE}/pods").json()["items"])
    assert ready() == 0
    switch("ALWAYS")
    assert eventually(ready) == 1
