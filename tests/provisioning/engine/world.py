"""A toy outside world for the engine: things that are there or not, and a script of what goes wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from provisioning.engine import graph
from provisioning.engine.action import Action, AsWanted, Context, Missing, Refused, Seen, UnderWay, minutes, seconds
from provisioning.engine.graph import Goal, Node, OnFailure, Undo, Workflow


@dataclass
class World:
    """`there` is what exists, `inputs` what each look was given, `asked_at` what the last look at each was told.

    `script[name, verb]` are exceptions or waits, taken one per call.
    """

    there: set[str] = field(default_factory=set)
    deeds: list[str] = field(default_factory=list)
    inputs: list[object] = field(default_factory=list)
    asked_at: dict[str, datetime | None] = field(default_factory=dict)
    script: dict[tuple[str, str], list[Exception | UnderWay | Callable[[], None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def play(self, name: str, verb: str) -> UnderWay | None:
        if not self.script[name, verb]:
            return None
        event = self.script[name, verb].pop(0)
        if isinstance(event, Exception):
            raise event
        return event if isinstance(event, UnderWay) else event()

    def refuse(self, name: str, verb: str = "make") -> None:
        self.script[name, verb].append(Refused("The quota is used up.", "Ask for more."))

    def wait(self, name: str, again: float = 15, times: int = 1) -> None:
        self.script[name, "look"] += [UnderWay("the cloud", seconds(again))] * times


@dataclass
class Thing(Action):
    """A thing"""

    world: World
    name: str

    def look(self, context: Context) -> Seen:
        self.world.inputs.append(context.inputs)
        self.world.asked_at[self.name] = context.asked_at
        if waiting := self.world.play(self.name, "look"):
            return waiting
        return AsWanted({"name": self.name}) if self.name in self.world.there else Missing()

    def make(self, context: Context) -> str:
        self.world.play(self.name, "make")
        self.world.there.add(self.name)
        self.world.deeds.append(f"+{self.name}")
        return f"made {self.name}"

    def drop(self, context: Context) -> str:
        self.world.play(self.name, "drop")
        self.world.there.discard(self.name)
        self.world.deeds.append(f"-{self.name}")
        return f"dropped {self.name}"


def diamond(
    world: World,
    on_failure: OnFailure,
    goal: Goal = Goal.PRESENT,
    kind: str = "provision",
    no_return: str = "",
) -> Workflow:
    """ground, then left and right side by side, then roof. From `no_return` on a failure does not take it back."""
    table = {"ground": (), "left": ("ground",), "right": ("ground",), "roof": ("left", "right")}
    nodes = tuple(
        Node(
            name,
            needs,
            Thing(world, name),
            Undo.REMOVE,
            usual=minutes(1),
            deadline=minutes(10),
            goal=goal,
            point_of_no_return=lambda _operation, name=name: name == no_return,  # type: ignore[misc] # as in a loop
        )
        for name, needs in table.items()
    )
    return Workflow(kind, nodes, on_failure, succeeded=lambda operation: None)


@contextmanager
def registered(*workflows: Workflow) -> Iterator[None]:
    """Toy workflows stand in the registry under the names of real kinds, for as long as this lasts."""
    before = dict(graph._workflows)
    for workflow in workflows:
        graph.register(workflow)
    try:
        yield
    finally:
        graph._workflows.clear()
        graph._workflows.update(before)
