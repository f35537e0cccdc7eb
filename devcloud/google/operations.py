"""Long-running operations: each has a time when it ends, and an outcome that happens then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from devcloud import timers
from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.google import resources
from devcloud.google.call import Call, Json

OPERATIONS = "operations"
OPERATION_ENDS = "operation.end"  # the name of its timer

Outcome = Callable[[Cloud, float, Json], Json | None]

_OUTCOMES: dict[str, Outcome] = {}


class OperationError(Exception):
    """The operation ends with this error. `code` is a compute or SQL word, or the name of a google.rpc code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Work:
    """What an operation is going to do. `name` is its full name, `kind` the service's word for it, `target` the full
    name of the resource. `outcome` happens after `seconds`; `failure` instead, where a fault rule wants it to fail.
    """

    name: str
    kind: str
    target: str
    seconds: float
    outcome: tuple[str, Json]
    failure: tuple[str, Json] | None = None
    details: Json = field(default_factory=dict)


def outcome(name: str) -> Callable[[Outcome], Outcome]:
    """The function can be named as an outcome. It returns the operation's response, or raises OperationError."""

    def register(function: Outcome) -> Outcome:
        _OUTCOMES[name] = function
        return function

    return register


def start(call: Call, work: Work) -> Json:
    """The operation that the call asks for is under way; returns its record."""
    return begin(call.cloud, call.method.service, call.project, call.at, work, call.fault)


def begin(cloud: Cloud, service: str, project: str, at: float, work: Work, fault: Effect | None = None) -> Json:
    """The operation is under way; returns its record."""
    key = f"{service} {work.name}"
    record: Json = {
        "service": service,
        "name": work.name,
        "id": resources.new_id(),
        "project": project,
        "kind": work.kind,
        "target": work.target,
        "started_at": at,
        "ends_at": at + work.seconds,
        "outcome": list(work.outcome),
        "failure": list(work.failure) if work.failure else None,
        "fault": {"code": fault.code, "message": fault.message} if fault else None,
        "details": work.details,
        "done": False,
    }
    cloud.store.put(OPERATIONS, key, record)
    timers.schedule(cloud, record["ends_at"], OPERATION_ENDS, {"key": key})
    return record


def find(cloud: Cloud, service: str, name: str) -> Json | None:
    return cloud.store.get(OPERATIONS, f"{service} {name}")


def below(cloud: Cloud, service: str, prefix: str) -> list[Json]:
    """The records whose full name starts so, oldest first."""
    records = [record for _key, record in cloud.store.items(OPERATIONS, f"{service} {prefix}")]
    return sorted(records, key=lambda record: float(record["started_at"]))


def running_on(cloud: Cloud, service: str, prefix: str, target: str) -> Json | None:
    """The operation under way on this resource or on a part of it."""
    for record in below(cloud, service, prefix):
        if not record["done"] and (record["target"] == target or record["target"].startswith(f"{target}/")):
            return record
    return None


def new_name() -> str:
    return f"operation-{uuid4()}"


@timers.action(OPERATION_ENDS)
def _end(cloud: Cloud, at: float, arguments: Json) -> None:
    record = cloud.store.get(OPERATIONS, arguments["key"])
    if record is None:
        return
    record["done"] = True
    cloud.store.put(OPERATIONS, arguments["key"], record)
    try:
        record["response"] = _result(cloud, at, record)
    except OperationError as error:
        record["error"] = {"code": error.code, "message": error.message}
    cloud.store.put(OPERATIONS, arguments["key"], record)
    timers.schedule(cloud, at + cloud.profile.seconds("operation.expiry"), "operation.forget", arguments)


@timers.action("operation.forget")
def _forget(cloud: Cloud, _at: float, arguments: Json) -> None:
    cloud.store.delete(OPERATIONS, arguments["key"])


def _result(cloud: Cloud, at: float, record: Json) -> Json | None:
    fault = record["fault"]
    if not fault:
        name, arguments = record["outcome"]
        return _OUTCOMES[name](cloud, at, arguments)
    if record["failure"]:
        name, arguments = record["failure"]
        _OUTCOMES[name](cloud, at, arguments)
    raise OperationError(fault["code"], fault["message"])


@outcome("changed")
def _changed(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    """The resource has these changes and is ready."""
    return resources.replace(
        cloud, arguments["collection"], arguments["name"], arguments.get("changes", {}), ready=True
    )


@outcome("gone")
def _gone(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    cloud.store.delete(arguments["collection"], arguments["name"])
    return {}


def changed(collection: str, name: str, /, **changes: Any) -> tuple[str, Json]:
    """The outcome that the resource is ready, with these changes."""
    return "changed", {"collection": collection, "name": name, "changes": changes}


def gone(collection: str, name: str) -> tuple[str, Json]:
    """The outcome that the resource is no more."""
    return "gone", {"collection": collection, "name": name}
