"""From an HTTP request to the handler of a discovery method, and back."""

import json
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud import calls, clock, timers
from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.google import tenancy
from devcloud.google.availability import check_place
from devcloud.google.call import Call
from devcloud.google.discovery import SERVICES, Method, methods
from devcloud.google.errors import GoogleError, body, invalid
from devcloud.google.handlers import HANDLERS
from devcloud.google.resources import without_defaults
from devcloud.google.validation import check_body, check_parameters

# These leave out of their answers whatever has its default value.
_TERSE = {"container", "gkebackup"}
_log = logging.getLogger(__name__)


def create_google(cloud: Cloud) -> ASGIApp:
    """Answers below /google/SERVICE/, where SERVICE is a discovery name and the rest is the document's path."""

    async def google(scope: Scope, receive: Receive, send: Send) -> None:
        service, _, path = scope["raw_path"].decode().removeprefix("/google/").partition("/")
        found = _match(service, scope["method"], path)
        request = Request(scope, receive)

        async def perform(fault: Effect | None) -> Response:
            return _answer(cloud, service, found, await request.body(), request, fault)

        await calls.answer(
            cloud.faults,
            (scope, receive, send),
            service=service,
            method=found[0].id if found else "unknown",
            perform=perform,
            refuse=lambda effect: _refusal(_injected(effect), service),
        )

    return google


@cache
def _implemented(service: str) -> tuple[Method, ...]:
    known = methods(service)
    return tuple(known[method_id] for method_id in sorted(known) if method_id in HANDLERS)


def _match(service: str, verb: str, path: str) -> tuple[Method, Mapping[str, str]] | None:
    """Those with a handler first: there are few. Of two that fit, the one with the longer fixed text is meant."""
    if service not in SERVICES:
        return None
    for candidates in (_implemented(service), methods(service).values()):
        fits = [(m, found) for m in candidates if m.verb == verb and (found := m.match(path)) is not None]
        if fits:
            return max(fits, key=lambda fit: len(fit[0].path) - sum(len(name) for name in fit[1]))
    return None


def _answer(
    cloud: Cloud,
    service: str,
    found: tuple[Method, Mapping[str, str]] | None,
    content: bytes,
    request: Request,
    fault: Effect | None,
) -> Response:
    try:
        return _performed(cloud, found, content, request, fault)
    except GoogleError as error:
        return _refusal(error, service)
    except Exception:  # noqa: BLE001 - a bug of ours must look like one of theirs
        _log.exception("%s %s", request.method, request.url)
        return _refusal(GoogleError(500, "backendError", "devcloud has a bug; its log has the traceback."), service)


def _performed(
    cloud: Cloud,
    found: tuple[Method, Mapping[str, str]] | None,
    content: bytes,
    request: Request,
    fault: Effect | None,
) -> Response:
    if found is None:
        raise GoogleError(404, "notFound", f"There is no method {request.method} {request.url.path} here.")
    method, path = found
    at = clock.now()
    timers.run_due(cloud, at)
    call = Call(
        cloud=cloud,
        method=method,
        parameters=check_parameters(method, path, request.query_params.multi_items()),
        body=check_body(method, _parsed(content)),
        at=at,
        counted_for=request.headers.get("x-goog-user-project", ""),
        fault=fault,
    )
    handler = HANDLERS.get(method.id)
    if handler is None:
        raise GoogleError(501, "notImplemented", f"devcloud does not implement {method.id}.")
    placed = tenancy.placed(call)
    check_place(placed)
    answer = handler(placed)
    if method.service in _TERSE:
        answer = without_defaults(answer)
    return JSONResponse(answer) if method.answers else Response(status_code=204)


def _parsed(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}", "body") from None


def _refusal(error: GoogleError, service: str) -> Response:
    return JSONResponse(body(error, service), status_code=error.code)


def _injected(effect: Effect) -> GoogleError:
    reason = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in effect.reason)
    return GoogleError(effect.status, effect.reason, effect.message, info=reason)
