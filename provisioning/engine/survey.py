"""A workflow's looks without its deeds: plans before a deed, drift afterwards. Only reads; knows no database.

A round looks at every node once, each after what it needs, with the outputs of those before it. What could not be
looked at is looked at again a few times; then that node is unclear, and the others are told all the same.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from provisioning.engine.action import (
    AsWanted,
    Change,
    Context,
    Differs,
    Missing,
    NotYet,
    Outputs,
    Refused,
    Seen,
    seconds,
)
from provisioning.engine.graph import Goal, Node
from provisioning.spec import InstanceSpec
from provisioning.turns import NotItsTurn, turn

LOOKS = 4
AGAIN = seconds(3)
LONGEST_PAUSE = seconds(15)


class Verdict(StrEnum):
    """What a look said of one node."""

    STANDS = "stands"
    MISSING = "missing"
    DIFFERS = "differs"
    UNDER_WAY = "under way"
    FOLLOWS = "follows"  # cannot be told before something that it needs is made
    UNCLEAR = "unclear"  # could not be looked at


@dataclass(frozen=True)
class Finding:
    """What is known of one node. `resource` is empty for what only watches; `sentence` is for people.

    `again_seconds` is after how long another look is worth while; 0 when the finding is final.
    """

    step: str
    title: str
    resource: str
    verdict: Verdict
    sentence: str
    changes: tuple[Change, ...] = ()
    looks: int = 1
    again_seconds: float = 0.0

    @property
    def is_final(self) -> bool:
        return not self.again_seconds

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Finding":
        changes = tuple(Change(**change) for change in document["changes"])
        return cls(**{**document, "verdict": Verdict(document["verdict"]), "changes": changes})


@dataclass
class Round:
    """The looks of one workflow at one instance. `findings` and `outputs`, by step, grow as it goes on."""

    id: str
    nodes: tuple[Node, ...]  # in an order that can be run
    wanted: InstanceSpec
    previous: InstanceSpec
    findings: dict[str, Finding] = field(default_factory=dict)
    outputs: dict[str, Outputs] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._needs = all_needs(self.nodes)

    def go_on(self, for_seconds: float) -> timedelta | None:
        """More is known. Answers after how long to go on, or None when every node has its final finding.

        It ends with the look during which the time is over.
        """
        until = time.monotonic() + for_seconds
        for node in self._next():
            self._look_at(node)
            if time.monotonic() >= until:
                break
        if next(self._fresh(), None):
            return timedelta(0)
        pauses = [finding.again_seconds for finding in self.findings.values() if not finding.is_final]
        return seconds(max(pauses)) if pauses else None

    def _next(self) -> Iterator[Node]:
        """What is to be looked at again comes when nothing else can be looked at; what waited for it follows."""
        if not next(self._fresh(), None):
            yield from [node for node in self.nodes if self._is_open(node.name)]
        while node := next(self._fresh(), None):
            yield node

    def _fresh(self) -> Iterator[Node]:
        for node in self.nodes:
            if node.name not in self.findings and not any(map(self._is_open, self._needs[node.name])):
                yield node

    def _is_open(self, name: str) -> bool:
        return name in self.findings and not self.findings[name].is_final

    def _look_at(self, node: Node) -> None:
        context = Context(
            operation_id=self.id,
            step=node.name,
            generation=0,
            spec=self.wanted,
            outputs=self.outputs,
            previous=self.previous,
        )
        try:
            with turn(f"{self.id}/{node.name}"):
                seen = node.action.look(context)
            finding = self._told(node, node.action.resource(context), seen)
        except NotItsTurn as line:
            finding = self._in_line(node, _resource(node, context), line)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one node, the others are looked at
            finding = self._untold(node, _resource(node, context), error)
        self.findings[node.name] = finding

    def _told(self, node: Node, resource: str, seen: Seen) -> Finding:
        title, waits_for = node.action.title(), self._not_standing(node)
        if isinstance(seen, AsWanted):
            self.outputs[node.name] = seen.outputs
            return Finding(node.name, title, resource, Verdict.STANDS, "As wanted.")
        if isinstance(seen, Missing):
            return Finding(node.name, title, resource, Verdict.MISSING, _sentence(seen.how or "Not there"))
        if isinstance(seen, Differs):
            return Finding(node.name, title, resource, Verdict.DIFFERS, _sentence(seen.difference), seen.changes)
        if waits_for and not resource and node.goal is Goal.PRESENT:
            return Finding(node.name, title, resource, Verdict.FOLLOWS, _follows(waits_for))
        return Finding(node.name, title, resource, Verdict.UNDER_WAY, _sentence(f"Waiting for {seen.why}"))

    def _in_line(self, node: Node, resource: str, line: NotItsTurn) -> Finding:
        """It has not been looked at: that counts for nothing, and comes when its turn does."""
        looks, pause = self._looks(node), line.again.total_seconds()
        sentence = _sentence(f"Waiting for {line.why}")
        return Finding(node.name, node.action.title(), resource, Verdict.UNCLEAR, sentence, (), looks, pause)

    def _looks(self, node: Node) -> int:
        return self.findings[node.name].looks if node.name in self.findings else 0

    def _untold(self, node: Node, resource: str, error: Exception) -> Finding:
        """A refusal is final; anything else may pass, and counts once it has not passed for LOOKS looks."""
        looks = self._looks(node) + 1
        verdict, sentence, title = Verdict.UNCLEAR, _error(error), node.action.title()
        if looks < LOOKS and not isinstance(error, Refused):
            again = min(error.again if isinstance(error, NotYet) else AGAIN * looks, LONGEST_PAUSE)
            pause = max(again.total_seconds(), 0.1)
            return Finding(node.name, title, resource, verdict, sentence, looks=looks, again_seconds=pause)
        if node.goal is Goal.PRESENT and (waits_for := self._not_standing(node)):
            verdict, sentence = Verdict.FOLLOWS, f"{_follows(waits_for)} {sentence}"
        return Finding(node.name, title, resource, verdict, sentence, looks=looks)

    def _not_standing(self, node: Node) -> list[str]:
        """The titles of what it needs, however indirectly, and what is not as wanted."""
        found = (self.findings[need] for need in self._needs[node.name])
        return [finding.title for finding in found if finding.verdict is not Verdict.STANDS]


def all_needs(nodes: Iterable[Node]) -> dict[str, tuple[str, ...]]:
    """By name, all that a node needs, however indirectly, in order. Nodes must come after what they need."""
    needs: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        needs[node.name] = tuple(dict.fromkeys(name for need in node.needs for name in (*needs[need], need)))
    return needs


def _resource(node: Node, context: Context) -> str:
    """Empty when its name cannot be told yet."""
    try:
        return node.action.resource(context)
    except Exception:  # noqa: BLE001 - a name that derives from what is missing
        return ""


def _follows(waits_for: list[str]) -> str:
    return f"It can be told once this is as wanted: {', '.join(waits_for[-3:])}."


def _error(error: Exception) -> str:
    if isinstance(error, NotYet):
        return _sentence(f"Waiting for {error.why}")
    return _sentence(str(error).strip() or type(error).__name__)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
