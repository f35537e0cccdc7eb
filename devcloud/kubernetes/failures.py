"""The API server's refusals, as `Status` objects."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

JSON = dict[str, Any]


class Refusal(Exception):
    """An answer other than success: HTTP code, reason, message and the causes that clients print."""

    def __init__(self, code: int, reason: str, message: str, details: JSON | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details or {}

    def status(self) -> JSON:
        """The `Status` object of this refusal."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }

    def body(self) -> bytes:
        return msgspec.json.encode(self.status())


def bad_request(message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unauthorized() -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, resource: str, group: str) -> Refusal:
    message = f'{resource} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "{group}"'
    return Refusal(HTTPStatus.FORBIDDEN, "Forbidden", message, {"kind": resource, "group": group})


def disallowed(resource: str, name: str, why: str) -> Refusal:
    """What admission refuses, whoever asks. `resource` is plural.group."""
    plural, _, group = resource.partition(".")
    message = f'{resource} "{name}" is forbidden: {why}'
    return Refusal(HTTPStatus.FORBIDDEN, "Forbidden", message, {"name": name, "group": group, "kind": plural})


def not_found(resource: str, name: str) -> Refusal:
    """`resource` is plural.group, as the real server spells it."""
    plural, _, group = resource.partition(".")
    message = f'{resource} "{name}" not found'
    return Refusal(HTTPStatus.NOT_FOUND, "NotFound", message, {"name": name, "group": group, "kind": plural})


def no_such_path() -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource")


def already_exists(resource: str, name: str) -> Refusal:
    plural, _, group = resource.partition(".")
    message = f'{resource} "{name}" already exists'
    return Refusal(HTTPStatus.CONFLICT, "AlreadyExists", message, {"name": name, "group": group, "kind": plural})


def outdated(resource: str, name: str) -> Refusal:
    plural, _, group = resource.partition(".")
    message = (
        f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return Refusal(HTTPStatus.CONFLICT, "Conflict", message, {"name": name, "group": group, "kind": plural})


def field_conflicts(conflicts: Sequence[tuple[str, str]]) -> Refusal:
    """`conflicts` are (manager, field path)."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"', "field": path}
        for manager, path in conflicts
    ]
    told = ", ".join(f'conflict with "{manager}": {path}' for manager, path in conflicts)
    plural = "conflict" if len(conflicts) == 1 else "conflicts"
    message = f"Apply failed with {len(conflicts)} {plural}: {told}"
    return Refusal(HTTPStatus.CONFLICT, "Conflict", message, {"causes": causes})


def invalid(kind: str, group: str, name: str, problems: Sequence[tuple[str, str]]) -> Refusal:
    """`problems` are (field path, what is wrong with it)."""
    causes = [{"reason": "FieldValueInvalid", "message": wrong, "field": path} for path, wrong in problems]
    told = ", ".join(f"{path}: {wrong}" for path, wrong in problems)
    told = f"[{told}]" if len(problems) > 1 else told
    message = f'{kind}{"." + group if group else ""} "{name}" is invalid: {told}'
    details = {"name": name, "group": group, "kind": kind, "causes": causes}
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, details)


def expired(version: int) -> Refusal:
    return Refusal(HTTPStatus.GONE, "Expired", f"too old resource version: {version}")


def too_large() -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"
    )


def unsupported_media(kind: str) -> Refusal:
    message = f"the body of the request was in an unknown format - accepted media types include: {kind}"
    return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def method_not_allowed() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
