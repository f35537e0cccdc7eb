"""`Idempotency-Key`: a POST that is sent twice happens once.

The answer is stored in the transaction of the effect, so a crash loses both or neither. Who calls while the first call
is under way finds its advisory lock taken; PostgreSQL frees that lock when the transaction ends, however it ends. Only
successes are stored: a refused call changed nothing and may be sent again with the same key.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.models import AnsweredCall
from portal.api.problems import Problem
from portal.api.view import ApiView
from portal.core import clock
from portal.core.models import ApiToken

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 255
KEPT_FOR = timedelta(hours=48)

P = ParamSpec("P")
V = TypeVar("V", bound=ApiView)
Method = Callable[Concatenate[V, Request, P], Response]


def idempotent(method: Method[V, P]) -> Method[V, P]:
    """The view's method happens once for each key of a token, or each time without one; whole, or not at all."""

    @wraps(method)
    def once(view: V, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            with transaction.atomic():
                return method(view, request, *args, **kwargs)
        return _once(_checked(key), request, view.token, lambda: method(view, request, *args, **kwargs))

    return cast("Method[V, P]", once)


def _once(key: str, request: Request, token: ApiToken, call: Callable[[], Response]) -> Response:
    with transaction.atomic():
        _lock(token, key)
        calls = AnsweredCall.objects.filter(token=token)
        calls.filter(created_at__lt=clock.now() - KEPT_FOR).delete()
        fingerprint = _fingerprint(request)
        if stored := calls.filter(key=key).first():
            return _replay(stored, fingerprint)
        response = call()
        AnsweredCall.objects.create(
            token=token,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            headers={"Location": response["Location"]} if "Location" in response else {},
            body=response.data,
        )
    return response


def _checked(key: str) -> str:
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Problem("malformed", f"An {HEADER} has 1 to {LONGEST_KEY} printable ASCII characters; a UUID does well.")
    return key


def _lock(token: ApiToken, key: str) -> None:
    digest = hashlib.sha256(f"{token.pk}:{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], signed=True)])
        if not cursor.fetchone()[0]:
            raise Problem("under_way", "The first call with this key has not ended yet. Send it again in a moment.")


def _fingerprint(request: Request) -> str:
    content: list[Any] = [request.method, request.path, request.data]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _replay(stored: AnsweredCall, fingerprint: str) -> Response:
    if stored.fingerprint != fingerprint:
        raise Problem("key_reused", "This key belongs to another call. Use a new one for each thing you want done.")
    return Response(stored.body, stored.status, headers={**stored.headers, REPLAYED: "true"})
