"""An instance seen from outside: one GET /healthz, as a browser of its people would send it."""

import asyncio
import errno
import os
import time
from collections.abc import Collection, Iterator
from types import SimpleNamespace

import aiohttp
from django.conf import settings

from provisioning.clients.application import PASS_HEADER, Address, address_of, trusted
from provisioning.health.passes import Passes

IDLE_SECONDS = 70.0  # how long a connection may be idle; servers close theirs after 75 as a rule
RENEWED_AFTER_SECONDS = 60.0  # a new connection asks the DNS again, and meets who takes the place of another
LONGEST_BODY = 65_536
# What went wrong on this side: it says nothing about the instance.
OURS = {errno.ENETUNREACH, errno.ENETDOWN, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
CUT_OFF = "It closes the connection without an answer."


class NotSent(Exception):
    """The look could not be made from here; `str()` says why."""


class Outside:
    """Everything that can be looked at. Connections are kept, and one to each server is renewed every minute."""

    def __init__(self) -> None:
        self._addresses: dict[str, Address] = {}
        self._renewed_at: dict[str, float] = {}
        self._http: aiohttp.ClientSession | None = None
        self._passes = Passes()

    async def failure(self, domain: str, instance_id: str = "") -> str:
        """How it fails to answer, in a sentence; "" when it answers 200 in time. Raises NotSent.

        With the instance's id it is let in where only some addresses are.
        """
        timeout_seconds: float = settings.PROBE_TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._ask(domain, instance_id)
        except NotSent:
            raise
        except TimeoutError:
            return f"No answer within {timeout_seconds:g} s."
        except Exception as error:
            if ours := [cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno in OURS]:
                raise NotSent(str(ours[0])) from error
            return _sentence(error)

    def keep_only(self, domains: Collection[str]) -> None:
        """Nothing is remembered of others; their connections end when they have been idle."""
        self._addresses = {domain: address for domain, address in self._addresses.items() if domain in domains}
        servers = {address.url for address in self._addresses.values()}
        self._renewed_at = {url: at for url, at in self._renewed_at.items() if url in servers}

    async def close(self) -> None:
        """No connection is open any more."""
        self._passes.close()
        if self._http:
            await self._http.close()
            self._http = None

    async def _ask(self, domain: str, instance_id: str) -> str:
        """As `failure`. A kept connection may have been closed by the server meanwhile: aiohttp asks once more then.

        It does so on a new one too, whose end is the server's failure, as people meet it.
        """
        address = self._addresses.get(domain) or self._addresses.setdefault(domain, address_of(domain))
        self._http = self._http or _session()
        connected: list[str] = []
        known = self._passes.of(instance_id)
        headers = {"Host": address.host} | self._renewing(address.url) | ({PASS_HEADER: known} if known else {})
        url = f"{address.url}/healthz"
        asked = self._http.get(url, headers=headers, allow_redirects=False, trace_request_ctx=connected)
        async with asked as answer:
            length = 0
            async for chunk in answer.content.iter_any():
                length += len(chunk)
                if length > LONGEST_BODY:
                    break
        if len(connected) > 1:
            return CUT_OFF
        if answer.status == 403 and instance_id and self._passes.is_open(instance_id, known):
            raise NotSent("It lets in some addresses only, and the portal's pass is being read.")
        return "" if answer.status == 200 else f"It answers {answer.status} {answer.reason or ''}".rstrip() + "."

    def _renewing(self, url: str) -> dict[str, str]:
        """Once a minute the server is asked to close the connection after its answer."""
        now = time.monotonic()
        if now - self._renewed_at.setdefault(url, now) < RENEWED_AFTER_SECONDS:
            return {}
        self._renewed_at[url] = now
        return {"Connection": "close"}


def _session() -> aiohttp.ClientSession:
    """To be made on the event loop. The whole look has a time limit, and nothing in it one of its own."""
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_start.append(_note)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted(), limit=0, keepalive_timeout=IDLE_SECONDS, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        trace_configs=[tracing],
    )


async def _note(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _event: aiohttp.TraceConnectionCreateStartParams
) -> None:
    context.trace_request_ctx.append("connected")


def _sentence(error: Exception) -> str:
    """What people who look at outages can do something with."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return CUT_OFF
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"Its name is not known: {error.os_error.strerror}."
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"Its certificate is not valid: {error.certificate_error}."
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"It cannot be connected to: {os.strerror(error.errno) if error.errno else error.os_error}."
    return f"{type(error).__name__}: {error}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that led to it."""
    if error is None:
        return
    yield error
    yield from _causes(error.__cause__ or error.__context__)
