"""The application, from outside: whether it answers, which version it is, and its first site admin."""

import re
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import httpx
from django.conf import settings

SHORTEST_TIMEOUT_SECONDS = 10.0
PASS_HEADER = "X-Portal-Pass"  # noqa: S105 - the name of the header by which an allow list lets the portal in
WHO = "query Who { currentUser { id } }"
RESET = "mutation Reset($user: ID!) { randomizeUserPassword(user: $user) { resetPasswordURL } }"
VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[\w.]+)?")


@dataclass(frozen=True)
class Address:
    """Where an instance is reached: the server to connect to, and the Host header that it is known by there."""

    url: str
    host: str


def address_of(domain: str) -> Address:
    """As its people reach it, or through INSTANCE_GATEWAY where that is set."""
    url = str(settings.INSTANCE_URL_FORMAT).format(domain=domain)
    return Address(settings.INSTANCE_GATEWAY or url, httpx.URL(url).netloc.decode())


@cache
def trusted() -> ssl.SSLContext:
    """The authorities of the web, read once a process: that takes longer than a look."""
    return httpx.create_ssl_context()


class NoAnswer(Exception):
    """It does not answer, or not as the application would; `str()` says how."""


class Application:
    """One instance's application, reached as its people reach it. Use it as a context manager.

    `probe_pass` lets the portal in where the instance answers to some addresses only.
    """

    def __init__(self, domain: str, probe_pass: str = "") -> None:
        address = address_of(domain)
        passing = {PASS_HEADER: probe_pass} if probe_pass else {}
        self._http = httpx.Client(
            base_url=address.url,
            headers={"Host": address.host, "X-Requested-With": "Sourcegraph", **passing},
            timeout=min(SHORTEST_TIMEOUT_SECONDS, settings.GOOGLE_TIMEOUT_SECONDS),
            verify=trusted(),
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def check_health(self) -> None:
        """It says that it is well. Raises NoAnswer."""
        self._get("/healthz")

    def version(self) -> str:
        """The version that answers. Raises NoAnswer."""
        found = VERSION.search(self._get("/__version").text)
        return found.group(0) if found else ""

    def create_site_admin(self, *, email: str, username: str, password: str) -> bool:
        """The first account stands and is this one; False when there was one before. Raises NoAnswer."""
        body = {"email": email, "username": username, "password": password}
        answer = self._send("POST", "/-/site-init", body)
        if answer.status_code in {401, 403, 409}:
            return False
        self._check(answer)
        return True

    def sign_in(self, *, email: str, password: str) -> bool:
        """We are signed in; False when the password is not (or no longer) theirs. Raises NoAnswer."""
        answer = self._send("POST", "/-/sign-in", {"email": email, "password": password})
        if answer.status_code in {401, 403, 404, 422}:
            return False
        self._check(answer)
        return True

    def password_link(self) -> str:
        """A link, good for one use, with which who is signed in chooses a password. Raises NoAnswer."""
        user = self._query(WHO, {})["currentUser"]
        answer = self._query(RESET, {"user": user["id"]})
        return str(answer["randomizeUserPassword"]["resetPasswordURL"])

    def _query(self, query: str, variables: dict[str, str]) -> dict[str, Any]:
        answer = self._send("POST", "/.api/graphql", {"query": query, "variables": variables})
        document = self._check(answer).json()
        if document.get("errors"):
            raise NoAnswer(f"It refuses: {document['errors'][0].get('message', 'no reason given')}.")
        return dict(document["data"])

    def _get(self, path: str) -> httpx.Response:
        return self._check(self._send("GET", path))

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from None

    def _check(self, answer: httpx.Response) -> httpx.Response:
        if not answer.is_success:
            raise NoAnswer(f"It answers {answer.status_code} {answer.reason_phrase}.")
        return answer
