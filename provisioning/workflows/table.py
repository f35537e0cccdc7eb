"""How the lines of a workflow's table are written."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from provisioning.engine.action import Action, minutes, seconds
from provisioning.engine.graph import Node, Undo
from provisioning.models import Tenancy

GOOGLE = frozenset({str(Tenancy.DEDICATED)})
BROUGHT = frozenset({str(Tenancy.BYOK)})
# How long people cannot use a running instance while a step has something to do. Estimates, on the long side.
INTERRUPTIONS = {
    # The frontend is replaced without a gap; Git data, search and both Redis have one replica each and restart.
    "application": seconds(90),
    # Cloud SQL restarts for another tier or another availability.
    "database": seconds(60),
    # Nodes are replaced one by one, and what has one replica starts again on the next, with its disk.
    "nodes": minutes(5),
}


def line(
    name: str,
    needs: str,
    action: Action,
    undo: Undo,
    usual: timedelta,
    deadline: timedelta,
    tenancies: frozenset[str] = frozenset(),
) -> Node:
    """One line; `needs` are names with spaces between them."""
    return Node(name, tuple(needs.split()), action, undo, usual, deadline, tenancies=tenancies)


def interrupting(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The lines as they are to a running instance: each with how long it interrupts people."""
    return tuple(replace(node, interrupts=INTERRUPTIONS.get(node.name, timedelta(0))) for node in nodes)
