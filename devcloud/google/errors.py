"""Errors as Google writes them: an older and a newer form, chosen by the service."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

# These answer {error: {code, message, errors: [{reason, domain, message}]}}; all others have status and details.
_CLASSIC = {"bigquery", "compute", "sqladmin", "dns", "storage"}
_STATUS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GoogleError(Exception):
    """A refusal. `reason` is the older form's word, `status` and `info` (an ErrorInfo's reason) the newer form's."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        status: str = "",
        info: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.status = status or _STATUS.get(code, "UNKNOWN")
        self.info = info
        self.metadata = dict(metadata or {})
        self.violations = violations


def invalid(message: str, field: str = "") -> GoogleError:
    violations = [{"field": field, "description": message}] if field else None
    return GoogleError(400, "invalid", message, violations=violations)


def not_found(name: str) -> GoogleError:
    return GoogleError(404, "notFound", f"The resource '{name}' was not found")


def taken(name: str) -> GoogleError:
    return GoogleError(409, "alreadyExists", f"The resource '{name}' already exists")


def precondition(message: str, info: str = "") -> GoogleError:
    return GoogleError(400, "failedPrecondition", message, status="FAILED_PRECONDITION", info=info)


def stale(message: str) -> GoogleError:
    return GoogleError(409, "aborted", message, status="ABORTED")


def forbidden(message: str, info: str = "") -> GoogleError:
    return GoogleError(403, "forbidden", message, info=info)


def in_use(name: str, by: str) -> GoogleError:
    message = f"The resource '{name}' is already being used by '{by}'"
    return GoogleError(400, "resourceInUseByAnotherResource", message)


def body(error: GoogleError, service: str) -> dict[str, Any]:
    """The answer's JSON, in the form that this service writes."""
    if service in _CLASSIC:
        entry = {"message": error.message, "domain": _domain(error.reason), "reason": error.reason}
        return {"error": {"code": error.code, "message": error.message, "errors": [entry]}}
    answer: dict[str, Any] = {"code": error.code, "message": error.message, "status": error.status}
    if details := _details(error, service):
        answer["details"] = details
    return {"error": answer}


def http_phrase(code: int) -> str:
    return HTTPStatus(code).phrase.upper()


def _domain(reason: str) -> str:
    return "usageLimits" if reason in {"accessNotConfigured", "rateLimitExceeded", "quotaExceeded"} else "global"


def _details(error: GoogleError, service: str) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    if error.info:
        details.append(
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": error.info,
                "domain": "googleapis.com" if error.metadata else f"{service}.googleapis.com",
                "metadata": error.metadata,
            }
        )
    if error.violations:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": error.violations})
    return details
