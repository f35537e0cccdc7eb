"""From an HTTP request to the handler of a method of Stripe's API, and back."""

import base64
import binascii
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud import calls, clock, timers
from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.stripe import deliveries, handlers, idempotency
from devcloud.stripe.books import Books
from devcloud.stripe.call import Call, Method, match
from devcloud.stripe.engine.plans import close
from devcloud.stripe.errors import StripeError, injected, unauthorized
from devcloud.stripe.events import API_VERSION
from devcloud.stripe.forms import Tree, decode
from devcloud.stripe.pages.app import create_pages
from devcloud.stripe.present import expanded, public
from devcloud.stripe.typed import check, parameters

_PREFIX = "/stripe"
_API = "/stripe/v1/"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Asked:
    """A request for the API as it came in."""

    verb: str
    path: str
    text: str
    headers: Mapping[str, str]
    id: str


def create_stripe(cloud: Cloud) -> ASGIApp:
    """Answers below /stripe/v1/ as Stripe's API does, and elsewhere below /stripe/ with the pages that Stripe hosts."""
    handlers.load()
    deliveries.resume(cloud)
    pages = create_pages(cloud)
    in_flight: set[str] = set()

    async def stripe(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(_API):
            await pages(scope, receive, send)
            return
        request, request_id = Request(scope, receive), f"req_{secrets.token_hex(7)}"
        found = match(scope["method"], scope["path"].removeprefix(_PREFIX))

        async def perform(_fault: Effect | None) -> Response:
            with _held(in_flight, request.headers.get("idempotency-key", "")) as free:
                text = await _text(request)
                asked = _Asked(
                    request.method, request.url.path.removeprefix(_PREFIX), text, request.headers, request_id
                )
                return _answer(cloud, found, asked, free=free)

        await calls.answer(
            cloud.faults,
            (scope, receive, send),
            service="stripe",
            method=found[0].id if found else "unknown",
            perform=perform,
            refuse=lambda effect: _refusal(injected(effect), request_id),
        )

    return stripe


@contextmanager
def _held(in_flight: set[str], key: str) -> Iterator[bool]:
    """Within, the key is in flight; says whether it was free."""
    free = key not in in_flight
    if key and free:
        in_flight.add(key)
    try:
        yield free
    finally:
        if free:
            in_flight.discard(key)


async def _text(request: Request) -> str:
    if request.method == "POST":
        return (await request.body()).decode(errors="replace")
    return request.url.query


def _answer(cloud: Cloud, found: tuple[Method, Mapping[str, str]] | None, asked: _Asked, *, free: bool) -> Response:
    try:
        return _checked(cloud, found, asked, free=free)
    except StripeError as error:
        return _refusal(error, asked.id)
    except Exception:  # noqa: BLE001 - a bug of ours must look like one of theirs
        _log.exception("%s %s", asked.verb, asked.path)
        return _refusal(StripeError(500, "devcloud has a bug; its log has the traceback.", "api_error"), asked.id)


def _checked(cloud: Cloud, found: tuple[Method, Mapping[str, str]] | None, asked: _Asked, *, free: bool) -> Response:
    _authenticate(asked.headers.get("authorization", ""))
    if found is None:
        raise StripeError(404, f"Unrecognized request URL ({asked.verb}: {asked.path}).", code="url_invalid")
    key = asked.headers.get("idempotency-key", "") if asked.verb == "POST" else ""
    if not free:
        raise idempotency.in_use(key)
    form = decode(asked.text)
    mark = idempotency.fingerprint(asked.verb, asked.path, form)
    at = clock.now()
    if key and (answer := idempotency.earlier(cloud, key, mark, at)):
        return answer
    params = check(parameters(found[0].parameters), form)
    timers.run_due(cloud, at)
    status, body = _performed(cloud, found, asked, params)
    headers = _headers(asked.id, key)
    if key:
        idempotency.keep(cloud, key, mark, {"at": at, "status": status, "body": body, "headers": headers})
    return JSONResponse(body, status, headers)


def _performed(
    cloud: Cloud, found: tuple[Method, Mapping[str, str]], asked: _Asked, params: Tree
) -> tuple[int, dict[str, Any]]:
    """Status and body. A refusal is an answer like any other from here on: who repeats the call gets it again."""
    method, path = found
    key = asked.headers.get("idempotency-key") if asked.verb == "POST" else None
    books = Books(cloud, clock.now(), {"id": asked.id, "idempotency_key": key})
    try:
        answer = method.handler(Call(books, method.id, asked.path, path, params))
        shown = expanded(books, public(books, answer), params.get("expand", ()))
        close(books)
        return 200, shown
    except StripeError as error:
        if error.happened:
            close(books)
        return error.status, error.body(asked.id)


def _authenticate(header: str) -> None:
    """Bearer, or the key as the name of basic authentication. Raises StripeError 401."""
    scheme, _, credentials = header.partition(" ")
    key = credentials.strip() if scheme.lower() == "bearer" else ""
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not key.startswith(("sk_test_", "rk_test_")):
        raise unauthorized(f"Invalid API Key provided: {key[:8]}****")


def _headers(request_id: str, key: str) -> dict[str, str]:
    headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
    return {**headers, "Idempotency-Key": key} if key else headers


def _refusal(error: StripeError, request_id: str) -> Response:
    return JSONResponse(error.body(request_id), error.status, _headers(request_id, ""))
