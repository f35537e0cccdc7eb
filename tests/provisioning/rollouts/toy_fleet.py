"""A fleet in rows: instances, releases and policies as a test wants them, and operations that end when it says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

from django.db import transaction

from portal.core import clock
from portal.core.models import Organization, User
from provisioning.engine import graph, lifecycle
from provisioning.engine.action import minutes
from provisioning.engine.graph import Node, OnFailure, Undo, Workflow
from provisioning.models import (
    Chart,
    Instance,
    Kind,
    Operation,
    PolicyStage,
    Release,
    RolloutPolicy,
    Size,
    Step,
    StepStatus,
)
from provisioning.services.rollouts import making, rollouts_tick
from provisioning.workflows.teardown import TEARDOWN
from provisioning.workflows.upgrade import UPGRADE
from tests.provisioning.engine.world import Thing, World, registered

TOOK = minutes(10)
NOON = "2026-11-24T12:00:00Z"  # a Tuesday
A_SALT = f"{0x1D:032x}"  # with it, of the first twenty instances some are in each tenth that tests ask for


@contextmanager
def toy_workflows() -> Iterator[None]:
    """One step each; what is true at the end is written by the real hooks.

    Every rollout has the same salt meanwhile, so that nobody comes into a stage by chance.
    """
    node = Node("work", (), Thing(World(), "work"), Undo.NOTHING, usual=minutes(10), deadline=minutes(60))
    real = {workflow.kind: workflow for workflow in graph.workflows()}
    kinds = [replace(workflow, nodes=(node,)) for workflow in (UPGRADE, TEARDOWN)]
    for kind, stand_in in (("rollback", _to_wanted), ("migrate-architecture", _to_architecture)):
        known = real.get(kind, Workflow(kind, (node,), OnFailure.UNDO, stand_in))
        kinds.append(replace(known, nodes=(node,)))
    rehearse = real.get("rehearse", Workflow("rehearse", (node,), OnFailure.KEEP, _now_runs))
    kinds.append(replace(rehearse, nodes=(node,)))
    chance = SimpleNamespace(token_hex=lambda _count: A_SALT)
    with registered(*kinds), patch.object(making, "secrets", chance):
        yield


def _to_wanted(operation: Operation) -> None:
    release = Release.objects.get(app_version=operation.wanted["app_version"])
    Instance.objects.filter(pk=operation.instance_id).update(release=release)


def _to_architecture(operation: Operation) -> None:
    Instance.objects.filter(pk=operation.instance_id).update(architecture=operation.wanted["architecture"])


def _now_runs(operation: Operation) -> None:
    Instance.objects.filter(pk=operation.instance_id).update(status="running")


def published(version: str, *, kind: str = "minor", channel: str = "stable", **terms) -> Release:
    chart, _ = Chart.objects.get_or_create(
        digest="0" * 64, defaults={"name": "sourcegraph", "version": "1", "source": "here", "archive": b""}
    )
    return Release.objects.create(
        app_version=version, chart_version=version, chart=chart, kind=kind, channel=channel, status="published", **terms
    )


def size() -> Size:
    return Size.objects.get_or_create(
        name="xs",
        defaults={
            "users": 50, "position": 1, "machine_type": "m", "node_count": 1, "sql_tier": "t", "sql_disk_gb": 20,
            "gitserver_disk_gb": 50, "search_disk_gb": 30, "infrastructure_cents": 31_300,
        },
    )[0]  # fmt: skip


def policy(*shares: int, name: str = "toy", **terms) -> RolloutPolicy:
    """Stages with these shares of trials and customers. Nobody rests, unless the terms say so."""
    own = {field: terms.pop(field) for field in ("most_at_once", "rehearsals") if field in terms}
    row = RolloutPolicy.objects.create(name=name, title=name.capitalize(), **own)
    PolicyStage.objects.bulk_create(
        PolicyStage(
            policy=row, position=position, name=f"{share} %", trial_percent=share, customer_percent=share, **terms
        )
        for position, share in enumerate(shares, start=1)
    )
    return row


def populate(organization: Organization, person: User, release: Release, count: int, **columns) -> list[Instance]:
    """So many running instances of the organization, whose window is open at noon.

    Their ids are the same in every run, and with the salt of `toy_workflows` so are their places.
    """
    first = Instance.objects.count()
    columns = {"kind": Kind.PRODUCTION, "status": "running", "time_zone": "UTC", "maintenance_hour": 12} | columns
    return Instance.objects.bulk_create(
        Instance(
            id=f"src-{number:020x}",
            organization=organization,
            slug=f"toy-{number:04}",
            domain=f"toy-{number:04}.example",
            size=size(),
            release=release,
            admin_email=person.email,
            created_by=person,
            **columns,
        )
        for number in range(first, first + count)
    )


def under_way(kind: str = "upgrade") -> list[Operation]:
    return list(Operation.objects.filter(kind=kind, status__in=["queued", "running"]).order_by("instance__slug"))


def end_well(*operations: Operation) -> None:
    """All their steps are done, and the engine draws its conclusion."""
    for operation in operations:
        now = clock.now()
        Step.objects.filter(operation=operation).update(
            status=StepStatus.DONE, due_at=None, started_at=now - TOOK, finished_at=now
        )
        _settle(operation)


def end_badly(*operations: Operation) -> None:
    """Their last step has failed for good; kinds that change an instance have taken it back."""
    for operation in operations:
        last = operation.steps.order_by("-position")[0]
        last.status, last.error, last.due_at = StepStatus.FAILED, "The quota is used up. Ask for more.", None
        last.save()
        _settle(operation)


def _settle(operation: Operation) -> None:
    with transaction.atomic():
        lifecycle.settle(lifecycle.lock(operation.pk))
    operation.refresh_from_db()


def run_out(rounds: int = 60) -> int:
    """The beat goes on, and every upgrade ends well, until nothing moves; answers how many were asked for."""
    begun = quiet = 0
    for _ in range(rounds):
        moved = rollouts_tick()
        begun += moved
        going = under_way()
        end_well(*going)
        quiet = 0 if moved or going else quiet + 1
        if quiet == 3:  # a stage may open and close without anybody
            return begun
    raise AssertionError(f"It still moves after {rounds} rounds.")
