"""What shall happen later, kept in the store so that a restart forgets nothing."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from devcloud.cloud import Cloud

Arguments = dict[str, Any]
Action = Callable[[Cloud, float, Arguments], None]

_ACTIONS: dict[str, Action] = {}
_COLLECTION = "timers"


def action(name: str) -> Callable[[Action], Action]:
    """The function can be scheduled by this name. It is given the cloud, the time it was due, and its arguments."""

    def register(function: Action) -> Action:
        _ACTIONS[name] = function
        return function

    return register


def schedule(cloud: Cloud, at: float, name: str, arguments: Arguments) -> None:
    """The action runs once, at that time or soon after."""
    cloud.store.put(_COLLECTION, f"{at:017.6f} {uuid4().hex[:8]}", {"at": at, "name": name, "arguments": arguments})


def next_due(cloud: Cloud, name: str) -> float | None:
    """When the next action of that name runs, if any is scheduled."""
    timers = (timer for _, timer in cloud.store.items(_COLLECTION))
    return next((float(timer["at"]) for timer in timers if timer["name"] == name), None)


def run_due(cloud: Cloud, now: float) -> None:
    """Everything due by now has happened, in the order it was due."""
    while (first := cloud.store.first(_COLLECTION)) and first[1]["at"] <= now:
        key, timer = first
        cloud.store.delete(_COLLECTION, key)
        _ACTIONS[timer["name"]](cloud, timer["at"], timer["arguments"])
