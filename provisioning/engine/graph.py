"""How steps form a workflow: a table of nodes, each with what it needs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from graphlib import TopologicalSorter

from provisioning.engine.action import Action, Context, Refused, Seen
from provisioning.models import Operation


class Goal(Enum):
    PRESENT = "present"
    ABSENT = "absent"


class Undo(Enum):
    """What going back means for a step."""

    REMOVE = "remove"  # what it made is dropped
    REVERT = "revert"  # it is made again as it was before
    NOTHING = "nothing"  # there is nothing to take back; the table says why


class OnFailure(Enum):
    UNDO = "undo"  # kinds that change a running instance: it ends as it was
    KEEP = "keep"  # kinds that build or destroy: it stops and keeps what it has


@dataclass(frozen=True)
class Node:
    """One line of a workflow's table.

    `usual` is what it takes in life (shown until there are past runs to learn from), `deadline` when it has failed.
    `tenancies` empty means all. `gives_up` is the reason why its failure is no loss: then it is skipped. `interrupts`
    is how long people cannot use the instance when the step has something to do. `point_of_no_return` tells of an
    operation whether, once this step of it has begun, a failure no longer takes it back by itself.
    """

    name: str
    needs: tuple[str, ...]
    action: Action
    undo: Undo
    usual: timedelta
    deadline: timedelta
    goal: Goal = Goal.PRESENT
    tenancies: frozenset[str] = frozenset()
    gives_up: str = ""
    interrupts: timedelta = timedelta(0)
    point_of_no_return: Callable[[Operation], bool] = lambda _operation: False


class Unknown(Action):
    """A step of another version of the portal"""

    def look(self, context: Context) -> Seen:
        raise Refused(
            f"This version of the portal has no step “{context.step}”.",
            "Retry it with the version that has it, or skip it if what it is for stands.",
        )


@dataclass(frozen=True)
class Workflow:
    """A kind of operation. `succeeded` and `undone` write what is then true, in the transaction that ends it."""

    kind: str
    nodes: tuple[Node, ...]
    on_failure: OnFailure
    succeeded: Callable[[Operation], None]
    undone: Callable[[Operation], None] = lambda _operation: None

    def __post_init__(self) -> None:
        order(self.nodes)

    def node(self, name: str) -> Node:
        """The node, or a stand-in that refuses to work for a step that this version of the workflow does not know."""
        unknown = Node(name, (), Unknown(), Undo.NOTHING, timedelta(0), timedelta(minutes=1))
        return self.find(name) or unknown

    def find(self, name: str) -> Node | None:
        return next((node for node in self.nodes if node.name == name), None)

    def for_tenancy(self, tenancy: str) -> tuple[Node, ...]:
        """The nodes that apply, in an order that can be run; who needed a left-out node needs what that one needed."""
        kept: list[Node] = []
        stands_for: dict[str, tuple[str, ...]] = {}
        for node in order(self.nodes):
            needs = tuple(dict.fromkeys(real for need in node.needs for real in stands_for[need]))
            applies = not node.tenancies or tenancy in node.tenancies
            stands_for[node.name] = (node.name,) if applies else needs
            if applies:
                kept.append(replace(node, needs=needs))
        return tuple(kept)


def order(nodes: Iterable[Node]) -> list[Node]:
    """The nodes such that each comes after what it needs. Raises ValueError on a cycle, a double or an unknown name."""
    by_name = {node.name: node for node in nodes}
    if len(by_name) != len(list(nodes)):
        raise ValueError("Two nodes of a workflow have the same name.")
    if unknown := {need for node in by_name.values() for need in node.needs} - by_name.keys():
        raise ValueError(f"Needed but not in the table: {', '.join(sorted(unknown))}.")
    return [by_name[name] for name in TopologicalSorter({n.name: n.needs for n in by_name.values()}).static_order()]


def longest_path(needs: Mapping[str, Iterable[str]], durations: Mapping[str, float]) -> tuple[list[str], float]:
    """The names along the path that takes longest, and how long it takes, in the unit of `durations`."""
    reached: dict[str, tuple[float, list[str]]] = {}
    for name in TopologicalSorter({name: list(needed) for name, needed in needs.items()}).static_order():
        before = max((reached[need] for need in needs[name]), default=(0.0, []))
        reached[name] = (before[0] + durations[name], [*before[1], name])
    total, path = max(reached.values(), default=(0.0, []))
    return path, total


_workflows: dict[str, Workflow] = {}


def register(workflow: Workflow) -> Workflow:
    """Makes a kind of operation known. Called once per kind, when Django starts."""
    _workflows[workflow.kind] = workflow
    return workflow


def workflow_of(kind: str) -> Workflow:
    return _workflows[kind]


def workflows() -> tuple[Workflow, ...]:
    return tuple(_workflows.values())
