"""Calls to Google: one client per service and process, one HTTP object per call, an explicit timeout, no retries.

Retrying is the engine's business: the client's own would repeat a create whose answer was lost without looking first.
Each call waits for its turn (quotas), and how it ended is counted (breaker).
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from http.client import HTTPException
from typing import Any

import google.auth
import google_auth_httplib2
import httplib2
from django.conf import settings
from google.api_core.client_options import ClientOptions
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from portal.core.tracing import span
from provisioning.clients.google import breaker, quotas
from provisioning.clients.google.calls import call_of
from provisioning.clients.google.errors import is_trouble, understand
from provisioning.clients.google.once import Http
from provisioning.clients.google.problems import problem_of

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ANONYMOUS = "anonymous"
NO_ANSWER = (OSError, HTTPException, httplib2.HttpLib2Error)  # refused, reset, timed out, cut off, or not found


class Collection:
    """A resource of a client, with all below it made only once: the client makes them anew whenever they are named."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._resource, name)
        if getattr(found, "__is_resource__", False):
            below = Collection(found())
            found = lambda: below  # noqa: E731 - it stands for the client's own method
        setattr(self, name, found)
        return found


def api(name: str, version: str) -> Any:
    """The service's client, made from the document that the SDK carries: no network. Made once per process."""
    return _built(name, version, settings.GOOGLE_API_ENDPOINT, os.getpid())


def execute(request: Any, *, timeout_seconds: float | None = None) -> dict[str, Any]:
    """The answer as JSON. Raises NotYet, Refused or a GoogleError; a timeout or a lost connection as they come.

    `timeout_seconds` is for whoever cannot wait for GOOGLE_TIMEOUT_SECONDS.
    """
    call = call_of(request)
    quotas.take(call)
    request.headers.update(quotas.headers_of(call))
    try:
        with span(f"google {call.method}", **{"portal.subject": call.subject}):
            answer = _answer(request, timeout_seconds or settings.GOOGLE_TIMEOUT_SECONDS)
    except HttpError as error:
        problem = problem_of(error)
        breaker.count(call, failed=is_trouble(problem))
        raise understand(problem) from error
    except NO_ANSWER:
        breaker.count(call, failed=True)
        raise
    breaker.count(call, failed=False)
    return answer


def pages(collection: Any, request: Any, method: str = "list") -> Iterator[dict[str, Any]]:
    """The answers of a listing, page by page."""
    while request is not None:
        answer = execute(request)
        yield answer
        request = getattr(collection, f"{method}_next")(request, answer)


def _answer(request: Any, timeout_seconds: float) -> dict[str, Any]:
    http = _new_http(timeout_seconds)
    try:
        answer: dict[str, Any] = request.execute(http=http, num_retries=0)
    finally:
        http.close()
    return answer


@cache
def _built(name: str, version: str, endpoint: str, _process: int) -> Any:
    text = get_static_doc(name, version)
    if text is None:
        raise LookupError(f"The Google client carries no description of {name} {version}.")
    path = json.loads(text)["servicePath"]
    options = ClientOptions(api_endpoint=f"{endpoint}/{name}/{path}") if endpoint else None
    return Collection(build_from_document(text, http=httplib2.Http(), client_options=options))


def _new_http(timeout_seconds: float) -> Any:
    http = Http(timeout=timeout_seconds)
    if settings.GOOGLE_CREDENTIALS == ANONYMOUS:
        return http
    return google_auth_httplib2.AuthorizedHttp(_credentials(os.getpid()), http=http)


@cache
def _credentials(_process: int) -> Any:
    return google.auth.default(scopes=[SCOPE])[0]
