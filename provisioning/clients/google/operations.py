"""Long-running operations of both families, read the same way.

google.longrunning says `done` and then `error` or `response`; compute, container and sql say status DONE, which tells
nothing about success. Nothing here polls: steps look at the resource, and at operations only to learn what failed.
"""

from collections.abc import Mapping
from typing import Any

from provisioning.clients.google.errors import understand
from provisioning.clients.google.problems import problem_of_operation

Operation = Mapping[str, Any]


def is_done(operation: Operation) -> bool:
    """Whether it is at its end, well or badly."""
    if "status" in operation:
        return bool(operation["status"] == "DONE")
    return bool(operation.get("done", False))


def failure_of(operation: Operation) -> Exception | None:
    """What it failed of, as the exception that a refused call would have raised; None if it did not, or still runs."""
    problem = problem_of_operation(operation) if is_done(operation) else None
    return understand(problem) if problem else None


def check(operation: Operation) -> Operation:
    """The operation, if it has not failed. Raises what it failed of; an answer may be at its end at once."""
    if failure := failure_of(operation):
        raise failure
    return operation
