"""Where the machine plays: three toy kinds over a misbehaving outside, and what may come of a claim.

The kinds that build, change and destroy are the real ones, with the real hooks and what they do on failure; only their
tables of nodes are toys. A step of two of them has workers of its own, as releases do.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import time_machine

from portal.core.audit import Actor
from provisioning.engine.action import minutes
from provisioning.engine.graph import Goal, Node, Undo, Workflow
from provisioning.models import Operation
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.teardown import TEARDOWN
from provisioning.workflows.upgrade import UPGRADE
from tests.provisioning.engine.outside import Chart, Check, Fate, Outside, Site, Thing

BUILD, CHANGE, DESTROY = "provision", "upgrade", "teardown"
START = "2026-11-24T12:00:00Z"
VERSIONS = tuple(f"{major}.0.0" for major in range(1, 10))
BUILT = frozenset({"ground", "left", "right", "roof"})
CHANGED = frozenset({"left", "right"})
DEADLINE = minutes(10)


class Death(Enum):
    """Where a worker dies: after so many borders to the outside, or as its operation's end is written."""

    BEFORE_THE_LOOK = 0
    AFTER_THE_LOOK = 1
    AFTER_THE_DEED = 2
    AFTER_ANOTHER_LOOK = 3
    AT_THE_END = None

    @property
    def borders(self) -> int | None:
        borders: int | None = self.value
        return borders


class Start(Enum):
    """What is asked for, and what comes of its first claims."""

    BUILDING = (BUILD, (Fate.WELL,))
    FAILED = (BUILD, (Fate.WELL, Fate.WELL, Fate.REFUSE))
    CHANGING = (CHANGE, (Fate.WELL,))
    GOING_BACK = (CHANGE, (Fate.WELL, Fate.WELL, Fate.REFUSE))
    STUCK = (CHANGE, (Fate.WELL, Fate.WELL, Fate.REFUSE, Fate.REFUSE))
    LEAVING = (DESTROY, (Fate.WELL,))


@dataclass(frozen=True)
class Scene:
    """What all examples share; each leaves it as it was."""

    instance_id: str
    actor: Actor
    outside: Outside
    traveller: time_machine.Traveller


def workflows(outside: Outside) -> tuple[Workflow, ...]:
    """The diamond is built from the ground up; changed with a bridge beside it; destroyed from the roof down."""

    def node(name: str, needs: str, undo: Undo, goal: Goal = Goal.PRESENT, *, thing: str = "", up: str = "") -> Node:
        actions = {"check": Check(outside, name, ("left", "right")), "site": Site(outside, name)}
        if goal is Goal.PRESENT:
            actions["left"] = Chart(outside, name)
        action = actions.get(name, Thing(outside, thing or name))
        return Node(name, tuple(needs.split()), action, undo, minutes(1), DEADLINE, goal, gives_up=up)

    build = (
        node("ground", "", Undo.REMOVE),
        node("left", "ground", Undo.REMOVE),
        node("right", "ground", Undo.REMOVE),
        node("roof", "left right", Undo.REMOVE),
    )
    change = (
        node("bridge", "", Undo.REMOVE),
        node("left", "bridge", Undo.REVERT),
        node("right", "bridge", Undo.REVERT),
        node("check", "left right", Undo.NOTHING),
        node("unbridge", "check", Undo.NOTHING, Goal.ABSENT, thing="bridge"),
    )
    destroy = (
        node("roof", "", Undo.NOTHING, Goal.ABSENT),
        node("left", "roof", Undo.NOTHING, Goal.ABSENT),
        node("right", "roof", Undo.NOTHING, Goal.ABSENT, up="It goes with the site."),
        node("site", "left right", Undo.NOTHING, Goal.ABSENT),
    )
    return (
        replace(PROVISION, nodes=build, succeeded=_mortal(outside, PROVISION.succeeded)),
        replace(
            UPGRADE,
            nodes=change,
            succeeded=_mortal(outside, UPGRADE.succeeded),
            undone=_mortal(outside, UPGRADE.undone),
        ),
        replace(TEARDOWN, nodes=destroy, succeeded=_mortal(outside, TEARDOWN.succeeded)),
    )


def _mortal(outside: Outside, hook: Callable[[Operation], None]) -> Callable[[Operation], None]:
    def hook_or_death(operation: Operation) -> None:
        hook(operation)
        outside.die_if_fated()

    return hook_or_death
