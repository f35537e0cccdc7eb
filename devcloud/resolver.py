"""Google Public DNS as JSON over HTTPS: GET /resolve?name=code.acme.com&type=A.

Source: developers.google.com/speed/public-dns/docs/doh/json, read 2026-12-01.
"""

import re
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud.calls import answer
from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.public_dns import NXDOMAIN, SERVFAIL, Answer, dotted, resolve

PATH: Final = "/resolve"
TYPES: Final = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "CAA": 257}
LIFETIME_SECONDS: Final = 300
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST: Final = 253
_COMMENT: Final = "Name servers did not respond"


def create_resolver(cloud: Cloud) -> ASGIApp:
    """The app; its calls are in the journal as dns.resolve, and obey fault rules."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def perform(_effect: Effect | None) -> Response:
            return _answered(cloud, Request(scope))

        connection = (scope, receive, send)
        await answer(cloud.faults, connection, service="dns", method="dns.resolve", perform=perform, refuse=_refuse)

    return app


def _answered(cloud: Cloud, request: Request) -> Response:
    """400 for what is no name or no type, as Google says it; all else is 200, with DNS's own status in it."""
    name, kind = request.query_params.get("name", ""), _type(request.query_params.get("type", "1"))
    bare = name.rstrip(".")
    if request.method != "GET" or not kind or len(bare) > _LONGEST or not all(map(_LABEL.fullmatch, bare.split("."))):
        return PlainTextResponse("400. That's an error.", HTTPStatus.BAD_REQUEST)
    found = resolve(cloud, bare, kind)
    return JSONResponse(_document(dotted(bare), kind, found), media_type="application/json; charset=UTF-8")


def _type(text: str) -> str:
    """The name of a type given by name or number; empty where nobody knows it."""
    by_number = {str(number): name for name, number in TYPES.items()}
    return by_number.get(text, text.upper() if text.upper() in TYPES else "")


def _document(name: str, kind: str, found: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {
        "Status": found.status,
        "TC": False,
        "RD": True,
        "RA": True,
        "AD": False,
        "CD": False,
        "Question": [{"name": name, "type": TYPES[kind]}],
    }
    if found.records:
        document["Answer"] = [
            {"name": record.name, "type": TYPES[record.kind], "TTL": LIFETIME_SECONDS, "data": record.data}
            for record in found.records
        ]
    if found.status == NXDOMAIN or (not found.of(kind) and found.status != SERVFAIL):
        zone = name.split(".", 1)[1] or "."
        soa = f"ns.{zone} hostmaster.{zone} 1 21600 3600 259200 300"
        document["Authority"] = [{"name": zone, "type": TYPES["SOA"], "TTL": LIFETIME_SECONDS, "data": soa}]
    if found.status == SERVFAIL:
        document["Comment"] = _COMMENT
    return document


def _refuse(effect: Effect) -> Response:
    return PlainTextResponse(effect.message, effect.status)
