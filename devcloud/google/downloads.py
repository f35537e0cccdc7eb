"""Objects of Cloud Storage for whoever has an address that was signed for an account (V4), as its XML API answers.

Source: cloud.google.com/storage/docs/authentication/canonical-requests, read 2026-12-01.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud import calls, clock
from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.google.services.objects import content_of
from devcloud.google.signing import is_signed

PREFIX: Final = "/google/storage"  # devcloud's place for the host storage.googleapis.com
SIGNATURE: Final = "X-Goog-Signature"
LONGEST: Final = timedelta(days=7)
AHEAD: Final = timedelta(minutes=15)
_NEEDED: Final = ("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires", "X-Goog-SignedHeaders")
_OBJECT: Final = re.compile(r"/([^/]+)/(.+)")


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def is_download(scope: Scope) -> bool:
    """Whether somebody comes with a signed address."""
    return bool(scope["path"].startswith(f"{PREFIX}/") and f"{SIGNATURE}=".encode() in scope["query_string"])


def create_downloads(cloud: Cloud) -> ASGIApp:
    """Answers below PREFIX."""

    async def downloads(scope: Scope, receive: Receive, send: Send) -> None:
        async def perform(_fault: Effect | None) -> Response:
            try:
                return _answer(cloud, Request(scope, receive))
            except _Refused as refused:
                return _refusal(refused.status, refused.code, str(refused))

        await calls.answer(
            cloud.faults,
            (scope, receive, send),
            service="storage",
            method="storage.objects.download",
            perform=perform,
            refuse=lambda effect: _refusal(effect.status, "InternalError", "Injected."),
        )

    return downloads


def _answer(cloud: Cloud, request: Request) -> Response:
    path = request.scope["raw_path"].decode().removeprefix(PREFIX)
    query = dict(parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True))
    _check(cloud, request, path, query)
    found = _OBJECT.fullmatch(request.scope["path"].removeprefix(PREFIX))
    content = content_of(cloud, clock.now(), found[1], found[2]) if found else None
    if content is None:
        raise _Refused(404, "NoSuchKey", "The specified key does not exist.")
    disposition = query.get("response-content-disposition")
    headers = {"Content-Disposition": disposition} if disposition else {}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _check(cloud: Cloud, request: Request, path: str, query: Mapping[str, str]) -> None:
    """Raises _Refused for what was not signed so, or is out of date."""
    if request.method != "GET" or any(name not in query for name in _NEEDED):
        raise _Refused(400, "AuthenticationRequired", "Authentication required.")
    email, _, scope = query["X-Goog-Credential"].partition("/")
    signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    lasts = timedelta(seconds=int(query["X-Goog-Expires"]))
    if lasts > LONGEST:
        raise _Refused(400, "InvalidArgument", "X-Goog-Expires must be at most 604800 seconds.")
    now = datetime.now(UTC)  # the signer's clock, which goes on as ever where devcloud's is ahead
    if signed_at > now + AHEAD:
        raise _Refused(400, "InvalidArgument", "The signature is of a time to come.")
    if now > signed_at + lasts:
        raise _Refused(400, "ExpiredToken", "The provided token has expired.")
    said = _canonical(request, path, query)
    digest = hashlib.sha256(said.encode()).hexdigest()
    text = "\n".join([query["X-Goog-Algorithm"], query["X-Goog-Date"], scope, digest])
    try:
        signature = bytes.fromhex(query[SIGNATURE])
    except ValueError:
        signature = b""
    if not is_signed(cloud, email, text.encode(), signature):
        raise _Refused(403, "SignatureDoesNotMatch", "Access denied.")


def _canonical(request: Request, path: str, query: Mapping[str, str]) -> str:
    names = query["X-Goog-SignedHeaders"].split(";")
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    asked = sorted((name, value) for name, value in query.items() if name != SIGNATURE)
    encoded = urlencode(asked, quote_via=quote, safe="~")
    return "\n".join(["GET", path, encoded, headers, ";".join(names), "UNSIGNED-PAYLOAD"])


def _refusal(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, media_type="application/xml; charset=UTF-8")
