"""An instance seen from outside: one GET /healthz, as a browser of its people would send it."""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from django.conf import settings

from provisioning.clients.application import Address, address_of, trusted

IDLE_SECONDS = 70.0  # how long a connection may be idle; servers close theirs after 75 as a rule
RENEWED_AFTER_SECONDS = 60.0  # a new connection asks the DNS again, and meets who takes the place of another
KEPT = 16  # connections to one server; each costs a little with every look there
LONGEST_BODY = 65_536
# What went wrong on this side: it says nothing about the instance.
OURS = {errno.ENETUNREACH, errno.ENETDOWN, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)  # what a connection closed by the server does


class NotSent(Exception):
    """The look could not be made from here; `str()` says why."""


class _Line:
    """The connections to one server."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(
            base_url=url,
            verify=trusted(),
            timeout=None,  # noqa: S113 - the whole look has one
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=KEPT, keepalive_expiry=IDLE_SECONDS),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        self._renewed_at = time.monotonic()

    def headers(self, host: str) -> dict[str, str]:
        """Once a minute the server is asked to close the connection after its answer."""
        now = time.monotonic()
        if now - self._renewed_at < RENEWED_AFTER_SECONDS:
            return {"Host": host}
        self._renewed_at = now
        return {"Host": host, "Connection": "close"}


class Outside:
    """Everything that can be looked at. Connections are kept; each server has a pool of its own, for a look costs as
    much as there are connections in its pool.
    """

    def __init__(self) -> None:
        self._addresses: dict[str, Address] = {}
        self._lines: dict[str, _Line] = {}

    async def failure(self, domain: str) -> str:
        """How it fails to answer, in a sentence; "" when it answers 200 in time. Raises NotSent."""
        timeout_seconds: float = settings.PROBE_TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._ask(domain)
        except TimeoutError:
            return f"No answer within {timeout_seconds:g} s."
        except Exception as error:
            if ours := [cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno in OURS]:
                raise NotSent(str(ours[0])) from error
            return f"{type(error).__name__}: {error}"
        return "" if answer.status_code == 200 else f"It answers {answer.status_code} {answer.reason_phrase}.".strip()

    async def keep_only(self, domains: Collection[str]) -> None:
        """Connections to servers of none of these are closed."""
        for domain in self._addresses.keys() - domains:
            del self._addresses[domain]
        for url in self._lines.keys() - {address.url for address in self._addresses.values()}:
            await self._lines.pop(url).http.aclose()

    async def _ask(self, domain: str) -> httpx.Response:
        """A connection that was kept may have been closed by the server meanwhile: then it is asked once more."""
        address = self._addresses.get(domain) or self._addresses.setdefault(domain, address_of(domain))
        line = self._lines.get(address.url) or self._lines.setdefault(address.url, _Line(address.url))
        connected: list[str] = []

        async def trace(event: str, _details: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.started":
                connected.append(event)

        try:
            return await _get(line, address.host, trace)
        except BROKEN:
            if connected:
                raise
            return await _get(line, address.host, trace)


async def _get(line: _Line, host: str, trace: Callable[[str, dict[str, Any]], Awaitable[None]]) -> httpx.Response:
    """The answer, read as far as is needed to use the connection again."""
    asked = line.http.stream("GET", "/healthz", headers=line.headers(host), extensions={"trace": trace})
    async with asked as answer:
        length = 0
        async for chunk in answer.aiter_raw():
            length += len(chunk)
            if length > LONGEST_BODY:
                break
    return answer


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that led to it."""
    if error is None:
        return
    yield error
    yield from _causes(error.__cause__ or error.__context__)
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _causes(part)
