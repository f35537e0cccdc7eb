"""Takes in Stripe's events in a process of its own: no page waits for a burst of them, and none of them for a page.

Events that come while others are being written wait for those, and are then written together: one statement, one
commit. Nobody is answered before that commit, so a process that dies has answered for nothing that is not kept. The web
server answers at the same address, each event by itself (portal.web.views.stripe), where no proxy leads here.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

import structlog  # noqa: E402 - Django has to be set up first
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.exceptions import DisallowedHost  # noqa: E402
from django.core.handlers.asgi import ASGIRequest  # noqa: E402
from django.db import close_old_connections, connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect  # noqa: E402

from billing.services.events import Told, event_read, events_take  # noqa: E402
from portal.core.errors import Forbidden  # noqa: E402
from portal.web.views.stripe import MOST_BYTES  # noqa: E402

ADDRESS: Final = "/stripe/events/"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Waiting:
    told: Told
    kept: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Intake:
    """An ASGI application for one address. It writes by one thread, and so by one connection to the database."""

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, "intake", _prepare_statements)
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            raise ValueError(scope["type"])
        try:
            answer = await self._answer(ASGIRequest(scope, BytesIO()), receive)
        except Exception:
            log.exception("event.failed")
            answer = HttpResponse(status=500)
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": answer.content, "more_body": False})

    async def _answer(self, request: HttpRequest, receive: ASGIReceiveCallable) -> HttpResponse:
        refusal = _refusal(request)
        if refusal:
            return refusal
        payload = await _body(receive)
        if payload is None:
            return HttpResponse(status=413)
        try:
            told = event_read(payload=payload, signature=request.META.get("HTTP_STRIPE_SIGNATURE", ""))
        except Forbidden as error:
            return HttpResponse(str(error), status=400, content_type="text/plain")
        await self._keep(told)
        return HttpResponse(status=204)

    async def _keep(self, told: Told) -> None:
        """The event is kept. Raises what has kept it from being so."""
        mine = _Waiting(told)
        self._waiting.append(mine)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await asyncio.shield(mine.kept)  # who gives up waiting must not disturb the writer

    async def _write_all(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            await self._write(together)

    async def _write(self, together: Sequence[_Waiting]) -> None:
        """All are kept or, where that fails, each that can be: one event must not keep out another."""
        try:
            told = [each.told for each in together]
            await asyncio.get_running_loop().run_in_executor(self._writer, _take, told)
        except Exception as error:  # noqa: BLE001 - raised by whoever waits for it
            if len(together) > 1:
                for each in together:
                    await self._write([each])
            else:
                together[0].kept.set_exception(error)
            return
        for each in together:
            each.kept.set_result(None)


def _prepare_statements() -> None:
    """The writer's statement is planned once for its connection: that costs as much as carrying it out."""
    options = connection.settings_dict.get("OPTIONS", {}) | {"server_side_binding": True, "prepare_threshold": 1}
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": options}


def _take(events: Sequence[Told]) -> None:
    close_old_connections()  # as Django does before each request: one that was lost is replaced
    events_take(events)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """What portal.settings asks of every request holds here, too: a known host and, in production, TLS."""
    try:
        host = request.get_host()
    except DisallowedHost as error:
        log.warning("event.refused", error=str(error))
        return HttpResponse(status=400)
    if request.path != ADDRESS:
        return HttpResponse(status=404)
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return HttpResponsePermanentRedirect(f"https://{host}{ADDRESS}")
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return None


async def _body(receive: ASGIReceiveCallable) -> bytes | None:
    """None for a body that is too long to be an event. One that breaks off has no right signature."""
    body, is_whole = b"", False
    while not is_whole:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        is_whole = not message.get("more_body")
        if len(body) > MOST_BYTES:
            return None
    return body


application = Intake()
