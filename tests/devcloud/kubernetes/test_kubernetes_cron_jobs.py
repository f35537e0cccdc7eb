"""CronJobs make Jobs at their time, as Kubernetes does; and one that counts use does so, against whoever listens."""

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.devcloud.kubernetes.manifests import BATCH, CORE, conditions, secret
from tests.devcloud.kubernetes.stand import Cluster
from tests.stack.devcloud import RunningDevcloud
from tests.waiting import eventually

HOUR = 3_600
STATEMENT = "SELECT json_build_object('seats', (SELECT count(*) FROM users), 'active_7d', (SELECT 1))"


@pytest.fixture
def api(devcloud: RunningDevcloud, tmp_path) -> Iterator[httpx.Client]:
    """A fresh cluster of a devcloud that runs by itself, so that its clock may be skipped."""
    answer = httpx.post(f"{devcloud.http_url}/_control/kubernetes/clusters", json={}, trust_env=False)
    cluster = Cluster(None, answer.raise_for_status().text)  # type: ignore[arg-type] # it is asked for nothing
    verify = ssl.create_default_context(cafile=str(devcloud.certificate_authority))
    headers = {"Authorization": f"Bearer {cluster.token}"}
    with httpx.Client(base_url=cluster.url, verify=verify, headers=headers, trust_env=False) as client:
        yield client


class Listener:
    """Whoever is told: what came, and what is answered."""

    def __init__(self) -> None:
        self.status, self.came = 204, list[tuple[str, Any]]()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.came.append((self.headers["Authorization"], json.loads(body)))
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/pings/usage"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


def cron_job(schedule: str = "0 * * * *", pod: dict[str, Any] | None = None, job: Any = None, **spec: Any) -> Any:
    container = {"name": "tick", "image": "tick:1"}
    inside = {"restartPolicy": "Never", "containers": [container], **(pod or {})}
    template = {"template": {"metadata": {"labels": {"app": "tick"}}, "spec": inside}, **(job or {})}
    spec = {"schedule": schedule, "jobTemplate": {"spec": template}, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}, "spec": spec}


def counting(statement: str = STATEMENT) -> dict[str, Any]:
    """The pod of a job that counts use."""
    held = [{"name": name.upper(), "valueFrom": {"secretKeyRef": {"name": "usage-ping", "key": name}}}
            for name in ("address", "token")]  # fmt: skip
    env: list[dict[str, Any]] = [*held, {"name": "STATEMENT", "value": statement}]
    return {"containers": [{"name": "usage", "image": "postgres:17", "env": env}]}


def jobs(api: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(f"{BATCH}/jobs").json()["items"]
    return sorted(items, key=lambda job: job["metadata"]["creationTimestamp"])


def ended(api: httpx.Client, ending: str = "Complete") -> list[dict[str, Any]]:
    return [job for job in jobs(api) if conditions(job).get(ending) == "True"]


def make(api: httpx.Client, body: Any) -> dict[str, Any]:
    answer = api.post(f"{BATCH}/cronjobs", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


class TestWhatItIs:
    def test_has_what_the_server_fills_in(self, api):
        spec = make(api, cron_job())["spec"]
        assert (spec["concurrencyPolicy"], spec["suspend"]) == ("Allow", False)
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 1)

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (cron_job("61 * * * *"), "not within 0 and 59"),
            (cron_job("every hour"), "expected exactly 5 fields"),
            (cron_job(timeZone="Mars/Olympus"), "Mars/Olympus"),
            (cron_job(concurrencyPolicy="Never"), "supported values"),
            (cron_job(pod={"restartPolicy": "Always"}), "OnFailure"),
            (cron_job(failedJobsHistoryLimit=-1), "greater than or equal to 0"),
            ({**cron_job(), "metadata": {"name": "x" * 53}}, "no more than 52"),
        ],
    )
    def test_is_refused_where_kubernetes_refuses_it(self, api, body, says):
        answer = api.post(f"{BATCH}/cronjobs", json=body)
        assert answer.status_code == 422
        assert says in answer.json()["message"]


class TestItsTime:
    def test_makes_a_job_that_is_its_own(self, api, devcloud):
        made = make(api, cron_job())
        assert jobs(api) == []
        devcloud.skip(HOUR)
        [job] = jobs(api)
        assert job["metadata"]["name"].startswith("tick-")
        [owner] = job["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("CronJob", made["metadata"]["uid"], True)
        status = api.get(f"{BATCH}/cronjobs/tick").json()["status"]
        assert status["active"][0]["name"] == job["metadata"]["name"]
        assert status["lastScheduleTime"].endswith(":00:00Z")
        devcloud.skip(120)
        assert len(ended(api)) == 1
        status = api.get(f"{BATCH}/cronjobs/tick").json()["status"]
        assert "active" not in status
        assert status["lastSuccessfulTime"]

    def test_that_was_missed_comes_once(self, api, devcloud):
        make(api, cron_job())
        devcloud.skip(5 * HOUR)
        assert len(jobs(api)) == 1

    def test_that_is_too_long_ago_does_not_come(self, api, devcloud):
        make(api, cron_job(startingDeadlineSeconds=60))
        now = datetime.fromisoformat(devcloud.control("POST", "clock", {"skip": 0})["now"])
        devcloud.skip(HOUR - now.timestamp() % HOUR + HOUR / 2)
        assert jobs(api) == []

    def test_does_not_come_while_it_is_suspended(self, api, devcloud):
        make(api, cron_job(suspend=True))
        devcloud.skip(2 * HOUR)
        assert jobs(api) == []

    @pytest.mark.parametrize(("policy", "running"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
    def test_beside_one_that_still_runs_goes_by_its_policy(self, api, devcloud, policy, running):
        make(api, cron_job(concurrencyPolicy=policy, pod={"volumes": [{"name": "x", "secret": {"secretName": "no"}}]}))
        devcloud.skip(HOUR)
        [first] = jobs(api)
        devcloud.skip(HOUR)
        found = jobs(api)
        assert len(found) == running
        assert (first["metadata"]["uid"] in [job["metadata"]["uid"] for job in found]) == (policy != "Replace")

    def test_leaves_so_many_behind(self, api, devcloud):
        make(api, cron_job(successfulJobsHistoryLimit=1))
        for _ in range(3):
            devcloud.skip(HOUR)
            jobs(api)
            devcloud.skip(120)
        assert len(ended(api)) == 1
        assert len(api.get(f"{CORE}/pods").json()["items"]) == 1

    def test_that_takes_too_long_fails(self, api, devcloud):
        pod = {"volumes": [{"name": "x", "secret": {"secretName": "no"}}]}
        make(api, cron_job(pod=pod, job={"activeDeadlineSeconds": 300}, concurrencyPolicy="Forbid"))
        devcloud.skip(HOUR)
        assert len(jobs(api)) == 1
        devcloud.skip(301)
        [failed] = ended(api, "Failed")
        assert {found["reason"] for found in failed["status"]["conditions"]} == {"DeadlineExceeded"}
        assert api.get(f"{CORE}/pods").json()["items"] == []

    def test_ends_with_it(self, api, devcloud):
        make(api, cron_job())
        devcloud.skip(HOUR)
        assert jobs(api)
        api.delete(f"{BATCH}/cronjobs/tick")
        assert jobs(api) == []
        assert api.get(f"{CORE}/pods").json()["items"] == []


class TestCounting:
    @pytest.fixture
    def told(self, api, listener):
        api.post(f"{CORE}/secrets", json=secret("usage-ping", address=listener.url, token="the token"))
        return listener

    def run(self, api, devcloud) -> dict[str, Any]:
        """The job at the end of its first run."""
        devcloud.skip(HOUR)
        jobs(api)
        devcloud.skip(120)
        eventually(lambda: [*ended(api), *ended(api, "Failed")])
        return jobs(api)[0]

    def test_posts_what_is_asked_and_no_more(self, api, devcloud, told):
        make(api, cron_job(pod=counting()))
        assert conditions(self.run(api, devcloud))["Complete"] == "True"
        assert told.came == [("Bearer the token", {"seats": 0, "active_7d": 0})]

    @pytest.mark.parametrize("status", [301, 400, 401, 500])
    def test_any_answer_but_a_good_one_fails_the_pod(self, api, devcloud, told, status):
        told.status = status
        make(api, cron_job(pod=counting(), job={"backoffLimit": 0}))
        assert conditions(self.run(api, devcloud))["Failed"] == "True"
        [pod] = api.get(f"{CORE}/pods").json()["items"]
        [container] = pod["status"]["containerStatuses"]
        assert str(status) in container["state"]["terminated"]["message"]

    def test_what_the_application_does_not_have_is_an_error_and_sends_nothing(self, api, devcloud, told):
        make(api, cron_job(pod=counting("SELECT json_build_object('secrets', (SELECT 1))")))
        assert conditions(self.run(api, devcloud))["Failed"] == "True"
        assert told.came == []

    def test_one_of_its_jobs_can_be_made_by_hand(self, api, devcloud, told):
        """As kubectl create job --from=cronjob/tick does."""
        made = make(api, cron_job(pod=counting(), suspend=True))
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": made["metadata"]["uid"]}
        metadata: dict[str, Any] = {"name": "by-hand", "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}}
        metadata |= {"ownerReferences": [{**owner, "controller": True}]}
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": made["spec"]["jobTemplate"]["spec"],
        }
        assert api.post(f"{BATCH}/jobs", json=body).status_code == 201
        devcloud.skip(120)
        eventually(lambda: ended(api))
        assert len(told.came) == 1

    def test_how_much_it_is_used_can_be_told(self, api, devcloud, told):
        rules = [{"host": "used.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {
            "service": {"name": "web", "port": {"number": 80}}}}]}}]  # fmt: skip
        ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}}
        api.post("/apis/networking.k8s.io/v1/namespaces/default/ingresses", json={**ingress, "spec": {"rules": rules}})
        devcloud.control("POST", "use", {"host": "used.example", "figures": {"seats": 31, "active_7d": 12}})
        make(api, cron_job(pod=counting()))
        self.run(api, devcloud)
        assert told.came[0][1] == {"seats": 31, "active_7d": 12}

    @pytest.mark.parametrize(
        "form", [{}, {"host": "x", "figures": {"cats": 1}}, {"host": "x", "figures": {"seats": -1}}]
    )
    def test_what_cannot_be_is_not_taken(self, devcloud, form):
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            devcloud.control("POST", "use", form)
