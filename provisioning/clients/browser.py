"""A browser without scripts: it keeps cookies, follows redirects and sends forms with what they hide."""

from collections.abc import Iterable, Mapping
from typing import Final, Self

import httpx

from provisioning.clients.application import address_of, trusted
from provisioning.clients.pages import TOKEN, Page, read

TIMEOUT_SECONDS: Final = 10.0  # of one call; the few calls of a stage end before its turn does
LONGEST_QUOTE: Final = 300
AGENT: Final = "Mozilla/5.0 (compatible; portal-canary)"


class Unwell(Exception):
    """It did not answer as it should: `str()` is a sentence. Asked again it may."""


class Refused(Exception):
    """It answered, and said no: `str()` is a sentence with its words."""


class Browser:
    """Goes through the pages of one site. Use it as a context manager. `host`: the name to ask for, if another."""

    def __init__(self, url: str, cookies: Iterable[Mapping[str, str]] = (), host: str = "") -> None:
        headers = {"User-Agent": AGENT, "Accept": "text/html"} | ({"Host": host} if host else {})
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            verify=trusted(),
            follow_redirects=True,
        )
        for cookie in cookies:
            self._http.cookies.set(**cookie)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    @property
    def cookies(self) -> list[dict[str, str]]:
        """What it has been given until now, to go on with another time."""
        return [
            {"name": cookie.name, "value": cookie.value or "", "domain": cookie.domain, "path": cookie.path}
            for cookie in self._http.cookies.jar
        ]

    def open(self, address: str) -> Page:
        """The page that one comes to. Raises Unwell."""
        return self._send("GET", address)

    def fill_in(self, page: Page, **answers: str) -> Page:
        """The page that one comes to by sending the form of that one.

        Raises Unwell, also where the page does not ask for that; Refused where it does not take it.
        """
        _check_asked(page, answers)
        answered = self._send("POST", page.url, {**answers, TOKEN: page.token}, referer=page.url)
        if answered.complaints:
            raise Refused(f"{page.path} said: {' '.join(answered.complaints)[:LONGEST_QUOTE]}")
        return answered

    def _send(self, verb: str, address: str, form: Mapping[str, str] | None = None, referer: str = "") -> Page:
        headers = {"Referer": referer} if referer else {}
        try:
            answer = self._http.request(verb, address, data=form, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unwell(f"{verb} {address} was not answered: {type(error).__name__}.") from None
        if answer.is_error:
            raise Unwell(f"{verb} {answer.url.path} was answered {answer.status_code}.")
        return read(answer.text, url=str(answer.url), path=answer.url.path, status=answer.status_code)


def front_page(domain: str) -> Page:
    """What an instance shows to whoever comes, without logging in. Raises Unwell."""
    address = address_of(domain)
    with Browser(address.url, host=address.host) as browser:
        return browser.open("/")


def _check_asked(page: Page, answers: Mapping[str, str]) -> None:
    for name, answer in answers.items():
        if name not in page.fields:
            raise Unwell(f"{page.path} does not ask for “{name}”.")
        choices = page.fields[name]
        if choices and answer not in choices:
            raise Unwell(f"{page.path} does not offer “{answer}”.")
    if not page.token:
        raise Unwell(f"{page.path} has no form that could be sent.")
