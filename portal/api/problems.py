"""Errors as RFC 9457 problems, always, with a code that is stable for programs and a sentence for people."""

from dataclasses import dataclass
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from portal.api.permissions import MissingScope
from portal.core import errors

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """One kind of error: `title` is the same for all of its kind, `meaning` is for the documentation."""

    code: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """A relative reference to where the kind is explained."""
        return f"/api/v1/problems/{self.code}"


KINDS = {
    kind.code: kind
    for kind in (
        ProblemKind("malformed", 400, "The request cannot be read", "No JSON, or a header or cursor of a wrong form."),
        ProblemKind("unauthenticated", 401, "A valid token is needed", "No token, or one that is no longer good."),
        ProblemKind("missing_scope", 403, "The token may not do this", "`required_scope` names the scope it lacks."),
        ProblemKind("forbidden", 403, "This may not be done", "You may see the thing, but may not do this to it."),
        ProblemKind("not_found", 404, "There is no such thing", "It does not exist, or it is not yours."),
        ProblemKind("method_not_allowed", 405, "Not with this method", "The address knows other methods: see Allow."),
        ProblemKind("not_acceptable", 406, "Only JSON is spoken here", "Accept must allow application/json."),
        ProblemKind("conflict", 409, "It collides with what is there", "Something taken, or another change under way."),
        ProblemKind("under_way", 409, "The same call is under way", "The first call with this key has not ended yet."),
        ProblemKind("unsupported_media_type", 415, "Only JSON is read here", "Send Content-Type: application/json."),
        ProblemKind("invalid", 422, "What was given is not valid", "`errors` has the sentences for each field."),
        ProblemKind("key_reused", 422, "The key was used for another call", "An Idempotency-Key belongs to one body."),
        ProblemKind("throttled", 429, "Too many calls", "Try again after the seconds that Retry-After says."),
        ProblemKind("internal", 500, "We made a mistake", "Nothing was changed. Name the request_id when you ask us."),
    )
}
SERVICE_KINDS: tuple[tuple[type[errors.ServiceError], str], ...] = (
    (errors.Invalid, "invalid"),
    (errors.Conflict, "conflict"),
    (errors.Forbidden, "forbidden"),
    (errors.NotFound, "not_found"),
)
API_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.ParseError, "malformed"),
    (exceptions.ValidationError, "invalid"),
    (exceptions.NotAuthenticated, "unauthenticated"),
    (exceptions.AuthenticationFailed, "unauthenticated"),
    (MissingScope, "missing_scope"),
    (exceptions.PermissionDenied, "forbidden"),
    (DjangoPermissionDenied, "forbidden"),
    (exceptions.NotFound, "not_found"),
    (Http404, "not_found"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.Throttled, "throttled"),
)


class Problem(Exception):
    """An error of the API itself, of one of the kinds above."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """The answer for whatever a view raised. What nobody foresaw is told as `internal`, and announced to be logged."""
    kind = KINDS[_code(error)]
    if kind.code == "internal":
        got_request_exception.send(sender=type(context["view"]), request=context["request"]._request)  # noqa: SLF001
    body = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.meaning if kind.code == "internal" else _detail(error, kind),
        "code": kind.code,
        **_members(error),
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    return Response(body, status=kind.status, headers=_headers(error), content_type=MEDIA_TYPE)


def _code(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.code
    return next((code for kind, code in (*SERVICE_KINDS, *API_KINDS) if isinstance(error, kind)), "internal")


def _detail(error: Exception, kind: ProblemKind) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "Some of what you sent is not valid."
    if isinstance(error, exceptions.APIException) and isinstance(error.detail, str):
        return str(error.detail)
    return kind.meaning if isinstance(error, Http404) else str(error)


def _members(error: Exception) -> dict[str, Any]:
    """What some kinds say beyond the standard members."""
    if isinstance(error, exceptions.ValidationError):
        return {"errors": error.detail if isinstance(error.detail, dict) else {"": error.detail}}
    if isinstance(error, errors.ServiceError) and error.field:
        return {"errors": {error.field: [str(error)]}}
    if isinstance(error, MissingScope):
        return {"required_scope": error.scope}
    return {}


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    return headers
