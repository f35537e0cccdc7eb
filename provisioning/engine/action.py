"""What a step is made of: it looks, makes the next small thing, or drops what is there. It touches one outside system.

An action may run twice at any point, never sleeps, never commits. `make` creates nothing that `look` could not find
again by its deterministic name or label; "already there" and "already gone" are success.
"""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from provisioning.outcomes import NotYet, Refused
from provisioning.spec import InstanceSpec

__all__ = [
    "Action",
    "AsWanted",
    "Change",
    "Context",
    "Differs",
    "Missing",
    "NotYet",
    "Outputs",
    "Refused",
    "Seen",
    "UnderWay",
    "minutes",
    "seconds",
]
Outputs = Mapping[str, Any]
REQUESTS = uuid.UUID("5d1f3c1e-8d0b-4c7e-9a43-1f0f3a9a6f6e")


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@dataclass(frozen=True)
class AsWanted:
    """It stands as it should. `outputs` are what later steps need to know of it: JSON, no secrets."""

    outputs: Outputs = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """Nothing is there. `how` is how the outside confirmed that, for people: a certificate of deletion quotes it."""

    how: str = ""


@dataclass(frozen=True)
class Change:
    """One setting that is not as wanted. `path` is the vendor's own, such as settings.tier; the values are JSON."""

    path: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.path} is {_said(self.found)} and should be {_said(self.wanted)}"


@dataclass(frozen=True)
class Differs:
    """Something is there that is not as wanted. `difference` is read by people; `changes` name settings, if known."""

    difference: str
    changes: tuple[Change, ...] = ()

    @classmethod
    def in_settings(cls, changes: Iterable[Change]) -> "Differs":
        """It stands, but some of its settings are not as wanted."""
        changes = tuple(changes)
        return cls("; ".join(map(str, changes)), changes)


@dataclass(frozen=True)
class UnderWay:
    """The outside is at it. `why` completes the sentence "waiting for …"; look again after `again` at the latest."""

    why: str
    again: timedelta = timedelta(seconds=15)


Seen = AsWanted | Missing | Differs | UnderWay


@dataclass(frozen=True)
class Context:
    """What an action is given. `outputs` maps the names of finished steps to what they put out.

    `spec` is what is to be true after this step; going back it is the spec as it was, where the step is reverted.
    `previous` is always the spec as it was when the operation was asked for, `inputs` what its kind needs beyond both.
    `asked_at` is told to what removes: when a step of this name last asked the outside for something on this instance.
    """

    operation_id: str
    step: str
    generation: int
    spec: InstanceSpec
    outputs: Mapping[str, Outputs]
    previous: InstanceSpec | None = None
    is_going_back: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    asked_at: datetime | None = None

    def request_id(self, call: str) -> str:
        """The same UUID for the same call of the same try, before and after a crash."""
        return str(uuid.uuid5(REQUESTS, f"{self.operation_id}/{self.step}/{self.generation}/{call}"))


class Action(ABC):
    """Base of all actions. The first line of a subclass's docstring is what people see as the step's title.

    What only watches has no `make`, and what never goes alone no `drop`: asked to, they refuse.
    """

    queue: ClassVar[str] = "steps"

    @abstractmethod
    def look(self, context: Context) -> Seen:
        """Only reads."""

    def make(self, context: Context) -> str:  # noqa: ARG002 - for those that can be made
        """Does the next small thing towards what is wanted; answers what it did, in a few words."""
        raise Refused(f"{self.title()}: the portal does not make this.", "Put it right by hand, or skip the step.")

    def drop(self, context: Context) -> str:  # noqa: ARG002 - for those that can be removed
        """Does the next small thing towards its absence; answers what it did, in a few words."""
        raise Refused(f"{self.title()}: this never goes alone.", "Skip the step, or tear the instance down.")

    def resource(self, context: Context) -> str:  # noqa: ARG002 - for those who have one
        """The full name of what it is about in the outside system; empty for what only watches or checks."""
        return ""

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


def _said(value: Any) -> str:
    return "not set" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
