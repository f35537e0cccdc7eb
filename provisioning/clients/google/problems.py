"""What Google said went wrong, in one shape, whichever of its four shapes it came in.

Newer services write error.status and error.details; compute, sql, dns and storage write error.errors[].reason; the
operations of either family carry a google.rpc.Status or a list of {code, message}.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from googleapiclient.errors import HttpError

SERVICE_IN_MESSAGE = re.compile(r"apis/api/([a-z0-9.-]+)/overview")
CONSUMER_IN_MESSAGE = re.compile(r"in project (\S+) before")
# google.rpc.Code of a failed operation. 8 is a quota there: an operation is never rate-limited.
RPC_CODES: Mapping[int, tuple[int, str]] = {
    3: (400, "INVALID_ARGUMENT"),
    5: (404, "NOT_FOUND"),
    6: (409, "ALREADY_EXISTS"),
    7: (403, "PERMISSION_DENIED"),
    8: (403, "QUOTA_EXCEEDED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
}
PASSING_CODES = {"INTERNAL_ERROR", "UNAVAILABLE", "BACKEND_ERROR", "RESOURCE_OPERATION_RATE_EXCEEDED", "UNKNOWN"}


@dataclass(frozen=True)
class Problem:
    """`http` is the status code; `reason` the most telling word there was; `metadata` that of the ErrorInfo."""

    http: int
    status: str
    reason: str
    message: str
    domain: str = ""
    quota_metric: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The service that is meant, as it is enabled: compute.googleapis.com."""
        return self.metadata.get("service") or _search(SERVICE_IN_MESSAGE, self.message)

    @property
    def consumer(self) -> str:
        """The project (a number, mostly) that the refusal is about."""
        named = self.metadata.get("consumer", "").removeprefix("projects/")
        return named or _search(CONSUMER_IN_MESSAGE, self.message)

    def __str__(self) -> str:
        return f"Google answered {self.http} {self.reason or self.status}: {self.message.rstrip('.')}."


def problem_of(error: HttpError) -> Problem:
    """The problem of a refused call."""
    body = _error_body(error.content)
    classic = _first(body.get("errors"))
    info = _detail(body, "ErrorInfo")
    violation = _first(_detail(body, "QuotaFailure").get("violations"))
    metadata = info.get("metadata") or {}
    quota_metric = metadata.get("quota_metric") or violation.get("quotaMetric") or violation.get("subject")
    return Problem(
        http=error.status_code,
        status=str(body.get("status", "")),
        reason=str(info.get("reason") or classic.get("reason") or ""),
        message=str(body.get("message") or error.reason or "no message"),
        domain=str(info.get("domain") or classic.get("domain") or ""),
        quota_metric=str(quota_metric or ""),
        metadata=metadata,
    )


def problem_of_operation(operation: Mapping[str, Any]) -> Problem | None:
    """The problem that an operation of either family ended with, or None."""
    error = operation.get("error")
    if not error:
        return None
    if entry := _first(error.get("errors")):
        code = str(entry.get("code", ""))
        http = 503 if code in PASSING_CODES else int(operation.get("httpErrorStatusCode") or 400)
        return Problem(http, code, code, str(entry.get("message", "no message")))
    http, status = RPC_CODES.get(int(error.get("code", 2)), (500, "UNKNOWN"))
    return Problem(http, status, status, str(error.get("message", "no message")))


def _error_body(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content).get("error", {})
    except (ValueError, AttributeError):
        return {}
    return body if isinstance(body, dict) else {"message": str(body)}


def _detail(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    matching = (detail for detail in body.get("details") or () if str(detail.get("@type", "")).endswith(kind))
    return next(matching, {})


def _first(entries: Iterable[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    return next(iter(entries or ()), {})


def _search(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""
