"""How the lines of a workflow's table are written, and what several of them end with."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from portal.core.audit import record
from provisioning.engine.action import Action, minutes, seconds
from provisioning.engine.graph import Node, Undo
from provisioning.models import Instance, Operation, Release, Tenancy

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
    # Cloud SQL lets nobody in while it puts a backup in place.
    "database-restore": minutes(5),
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


def put_out_by(operation: Operation, step: str) -> Mapping[str, Any]:
    """What a step of the operation has put out; nothing where it has no such step."""
    return operation.steps.filter(name=step).values_list("outputs", flat=True).first() or {}


def has_release(operation: Operation, action: str) -> None:
    """The instance is of the release that was asked for; the audit has it as `action`, with the one of before."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    before = instance.release.app_version
    instance.release = Release.objects.get(app_version=operation.wanted["app_version"])
    instance.save(update_fields=["release"])
    record(
        action,
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={"from": before, "to": instance.release.app_version},
    )
