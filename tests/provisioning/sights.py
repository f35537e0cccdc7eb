"""Toy nodes for surveys: what each look says is set beforehand, and every look is noted."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from provisioning.engine.action import Action, AsWanted, Context, Missing, Seen, minutes
from provisioning.engine.graph import Goal, Node, OnFailure, Undo, Workflow


@dataclass
class Sights:
    """`says` is what a look answers or raises (AsWanted unless set); `once` comes first, one per look."""

    says: dict[str, Seen | Exception] = field(default_factory=dict)
    once: dict[str, list[Seen | Exception]] = field(default_factory=lambda: defaultdict(list))
    looks: list[Context] = field(default_factory=list)

    @property
    def looked_at(self) -> list[str]:
        return [context.step for context in self.looks]

    def look(self, name: str, context: Context) -> Seen:
        self.looks.append(context)
        answer = self.once[name].pop(0) if self.once[name] else self.says.get(name, AsWanted({"of": name}))
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Sight(Action):
    """A thing to be seen"""

    sights: Sights
    name: str

    def look(self, context: Context) -> Seen:
        return self.sights.look(self.name, context)

    def make(self, context: Context) -> str:
        self.sights.says.pop(self.name, None)
        return f"made {self.name}"

    def drop(self, context: Context) -> str:
        self.sights.says[self.name] = Missing(f"{self.name} is not listed")
        return f"dropped {self.name}"

    def resource(self, context: Context) -> str:
        return f"toy/{context.spec.id}/{self.name}"


class Watch(Sight):
    """A thing to be watched"""

    resource = Action.resource


def node(sights: Sights, name: str, needs: str = "", **fields: Any) -> Node:
    make = Watch if fields.pop("watches", False) else Sight
    given = {"undo": Undo.REMOVE, "usual": minutes(1), "deadline": minutes(10), **fields}
    return Node(name, tuple(needs.split()), make(sights, name), **given)


def house(sights: Sights, goal: Goal = Goal.PRESENT) -> tuple[Node, ...]:
    """ground; then left and right side by side; then roof; then a watcher of it all."""
    return (
        node(sights, "ground", goal=goal),
        node(sights, "left", "ground", goal=goal),
        node(sights, "right", "ground", goal=goal, interrupts=minutes(2)),
        node(sights, "roof", "left right", goal=goal),
        node(sights, "smoke", "roof", goal=goal, watches=True),
    )


def kind(name: str, nodes: Iterable[Node]) -> Workflow:
    return Workflow(name, tuple(nodes), OnFailure.KEEP, succeeded=lambda operation: None)
