"""The application answers on the host of its ingress, once its frontend is available."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.devcloud.kubernetes.manifests import APPS, CORE, deployment, service

ADMIN = {"email": "alice@acme.example", "username": "alice", "password": "correct horse"}
FRONTEND = f"{APPS}/deployments/frontend"


@pytest.fixture
def host(cluster) -> str:
    return f"{cluster.id}.sourcegraph.localhost"


@pytest.fixture
def browser(stand, host):
    """A browser at the instance's host; it follows no redirects."""
    with httpx.Client(base_url=stand.cloud.addresses.http_url, headers={"Host": f"{host}:9400"}) as client:
        yield client


@pytest.fixture
def starting(api, host):
    """A frontend behind a service behind an ingress, as the chart makes them."""
    api.post(f"{APPS}/deployments", json=deployment("frontend", "sourcegraph/frontend:5.11.0"))
    api.post(f"{CORE}/services", json=service("frontend"))
    backend = {"service": {"name": "frontend", "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingress = {"metadata": {"name": "frontend"}, "spec": {"rules": [rule]}}
    assert api.post("/apis/networking.k8s.io/v1/namespaces/default/ingresses", json=ingress).status_code == 201


@pytest.fixture
def let_it_start(cluster):
    """Pods of the frontend do not get ready until this is called."""
    told = {"cluster": cluster.id, "kind": "Deployment", "name": "frontend"}
    cluster.stand.behave(**told, behaviour="never_ready")
    return lambda: cluster.stand.behave(**told, behaviour="normal")


@pytest.fixture
def running(starting, browser, eventually):
    eventually(lambda: browser.get("/healthz").status_code == 200)


@pytest.fixture
def upgrade(api, browser, eventually):
    def to(tag: str) -> None:
        api.put(FRONTEND, json=deployment("frontend", f"sourcegraph/frontend:{tag}"))
        eventually(lambda: browser.get("/__version").text == tag)

    return to


def _graphql(browser, query):
    return browser.post("/.api/graphql", json={"query": query}).json()


def test_a_host_that_nobody_routes_is_no_instance(browser):
    answer = browser.get("/")
    assert answer.status_code == 404
    assert "No such instance" in answer.text


def test_it_is_starting_until_the_frontend_is_available(let_it_start, starting, browser, eventually):
    answer = browser.get("/")
    assert (answer.status_code, "not available yet" in answer.text) == (503, True)
    let_it_start()
    eventually(lambda: browser.get("/").status_code == 200)


def test_it_shows_its_version_and_says_that_it_is_healthy(running, browser, host):
    page = browser.get("/").text
    assert host in page
    assert "Sign in" in page
    assert browser.get("/__version").text == "5.11.0"
    assert [browser.get(path).text for path in ("/healthz", "/readyz")] == ["ok", "ok"]


def test_an_upgrade_changes_the_version_and_keeps_the_accounts(running, browser, upgrade):
    browser.post("/-/site-init", json=ADMIN)
    upgrade("5.12.0")
    assert browser.post("/-/sign-in", json=ADMIN).status_code == 200


def test_a_broken_version_is_unhealthy(running, browser, upgrade):
    upgrade("5.12.0-broken")
    assert browser.get("/healthz").status_code == 500


def test_the_first_site_admin_is_made_once(running, browser):
    assert browser.post("/-/site-init", json={"email": "a@b.example"}).status_code == 400
    assert browser.post("/-/site-init", json=ADMIN).status_code == 200
    assert browser.post("/-/site-init", json=ADMIN).status_code == 403


def test_signing_in_needs_the_password(running, browser):
    browser.post("/-/site-init", json=ADMIN)
    browser.cookies.clear()
    assert browser.post("/-/sign-in", json={**ADMIN, "password": "wrong"}).status_code == 401
    assert browser.post("/.api/graphql", json={"query": "{ site { productVersion } }"}).status_code == 401
    assert browser.post("/-/sign-in", data=ADMIN).status_code == 303
    assert "Signed in as alice" in browser.get("/").text


def test_graphql_tells_who_and_what(running, browser):
    browser.post("/-/site-init", json=ADMIN)
    query = "query { currentUser { username siteAdmin email } site { productVersion } users { totalCount } }"
    assert _graphql(browser, query)["data"] == {
        "currentUser": {"id": "user:alice", "username": "alice", "siteAdmin": True, "email": "alice@acme.example"},
        "site": {"productVersion": "5.11.0"},
        "users": {"totalCount": 1},
    }
    assert "errors" in _graphql(browser, "query { repositories { nodes { name } } }")


def test_a_one_time_link_sets_a_password_and_is_worth_nothing_afterwards(running, browser, host):
    browser.post("/-/site-init", json=ADMIN)
    mutation = 'mutation { randomizeUserPassword(user: "VXNlcjox") { resetPasswordURL } }'
    link = _graphql(browser, mutation)["data"]["randomizeUserPassword"]["resetPasswordURL"]
    assert link.startswith(f"http://{host}:9400/password-reset?code=")
    path = link.partition(":9400")[2]
    assert browser.post("/-/sign-in", json=ADMIN).status_code == 401
    assert 'name="password"' in browser.get(path).text
    assert browser.post(path, data={"password": "my own"}).status_code == 200
    assert "Signed in as alice" in browser.get("/").text
    used = browser.get(path)
    assert (used.status_code, "does not work any more" in used.text) == (410, True)
    assert browser.post("/-/sign-in", json={**ADMIN, "password": "my own"}).status_code == 200


class TestItsName:
    """The stand-in is found by its name, as in the world: where that leads elsewhere, somebody else answers."""

    @pytest.fixture
    def lead_to(self, stand, host):
        def lead_to(address: str) -> None:
            zone = "projects/portal-host/managedZones/instances"
            record = {"body": {"name": f"{host}.", "type": "A", "rrdatas": [address]}, "visible_at": 0, "ready": True}
            put = stand.cloud.store.put
            stand.on_loop(lambda: put("dns.managedZones", zone, {"body": {}, "visible_at": 0, "ready": True}))
            stand.on_loop(lambda: put("dns.resourceRecordSets", f"{zone}/rrsets/{host}./A", record))

        return lead_to

    @pytest.fixture
    def elsewhere(self, stand):
        """Whoever is at the address, and what they were asked."""
        asked: list[tuple[str, str, str, bytes]] = []

        class Somebody(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.command, self.path, self.headers["Host"], body))
                self.send_response(503)
                self.send_header("Retry-After", "3600")
                self.send_header("Content-Length", "9")
                self.end_headers()
                self.wfile.write(b"suspended")

            do_GET = do_POST  # noqa: N815 - the library's name

            def log_message(self, *_arguments: object) -> None:
                """Tests say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", stand.cloud.addresses.elsewhere), Somebody) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield asked
            server.shutdown()
            thread.join()

    def test_leads_to_it_by_an_address_of_devclouds(self, running, browser, lead_to):
        lead_to("198.18.0.7")
        assert browser.get("/healthz").status_code == 200

    def test_that_leads_elsewhere_is_answered_there(self, running, browser, lead_to, elsewhere, host):
        lead_to("127.0.0.1")
        answer = browser.get("/search?q=x")
        assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (503, "3600", "suspended")
        assert browser.post("/.api/graphql", content=b"{}").status_code == 503
        assert elsewhere == [
            ("GET", "/search?q=x", f"{host}:9400", b""),
            ("POST", "/.api/graphql", f"{host}:9400", b"{}"),
        ]

    def test_that_leads_to_nobody_is_not_answered(self, running, browser, lead_to):
        lead_to("127.0.0.1")
        with pytest.raises(httpx.TransportError):
            browser.get("/healthz")
