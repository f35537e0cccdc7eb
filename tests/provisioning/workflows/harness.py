"""What every workflow goes through: each deed twice, an error at every outside call, a crash before every write.

Nothing here knows a step by name, so that a new line in a workflow's table is covered without anybody remembering.
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from provisioning.engine import graph, leases, lifecycle, worker
from provisioning.engine.action import Action, AsWanted, Context, NotYet, Refused, Seen
from provisioning.engine.graph import Workflow
from provisioning.models import Operation, Step, StepStatus
from tests.provisioning.driving import QUEUES, due_soonest, states
from tests.provisioning.workflows.outside import outside_calls_are_watched

PATIENCE_SECONDS = 120


class Crash(BaseException):
    """The process dies here. Not an Exception, so nothing may catch it."""


class Point(Enum):
    """Where something can happen. What is before a record is after the last call."""

    CALL = "before a call"
    RECORD = "before a record"
    RECORDED = "after a record, before what follows from it"


@dataclass
class Trouble:
    """Something happens before the outside is called, before the database is written, and right after.

    Of a step's claims the first meets it at its first call, the next one at its second, until a claim gets through to
    its record; then the same with each write of the record. After a commit it happens every time: that takes nothing
    back. So in one run it happens at every point of every step.
    """

    strike: Callable[[], None]
    at: frozenset[Point] = frozenset(Point)
    depth: Counter[tuple[str, Point]] = field(default_factory=Counter)
    struck: dict[str, set[Point]] = field(default_factory=lambda: defaultdict(set))
    strikes: int = 0
    callers: set[str] = field(default_factory=set)
    _step: str | None = None
    _reached: Counter[Point] = field(default_factory=Counter)

    @contextmanager
    def during(self, step: Step) -> Iterator[None]:
        self._step, self._reached = f"{step.name}/{step.direction}", Counter()
        try:
            with outside_calls_are_watched(self.before_call), connection.execute_wrapper(self.before_statement):
                yield
        finally:
            self._step = None

    def point(self, point: Point) -> None:
        if self._step is None or point not in self.at:
            return
        self._reached[point] += 1
        if point is Point.RECORDED or self._reached[point] > self.depth[self._step, point]:
            self.depth[self._step, point] += 1
            self.strikes += 1
            self.struck[self._step].add(point)
            self.strike()

    def before_call(self) -> None:
        if self._step is not None:
            self.callers.add(self._step)
        self.point(Point.CALL)

    def before_statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH")):
            self.point(Point.RECORD)
            if connection.in_atomic_block and self.recorded not in [entry[1] for entry in connection.run_on_commit]:
                transaction.on_commit(self.recorded)
        return execute(sql, params, many, context)

    def recorded(self) -> None:
        """Called right after the commit, first of all that waits for it: the wake-up calls come later."""
        self.point(Point.RECORDED)


def crashes() -> Trouble:
    """The process dies at every point."""

    def crash() -> None:
        raise Crash

    return Trouble(crash)


def broken_connections() -> Trouble:
    """Every outside call fails once before it has left."""

    def break_connection() -> None:
        raise ConnectionResetError("the connection broke")

    return Trouble(break_connection, frozenset({Point.CALL}))


def run(operation: Operation, trouble: Trouble | None = None) -> Operation:
    """The operation has ended. Trouble, if any, struck at every point; the leases of the dead run out at once."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        claim = next(filter(None, (leases.claim(queue, "harness") for queue in QUEUES)), None)
        if claim:
            _advance(claim, trouble)
            continue
        operation.refresh_from_db()
        if not operation.is_live:
            return operation
        _wait_until_due(operation)
    raise AssertionError(f"not at an end after {PATIENCE_SECONDS} s: {states(operation)}")


def run_until_begun(operation: Operation, step: str) -> None:
    """Stops once a worker has done something for the step; the operation stands in the middle, or at its end."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        claim = next(filter(None, (leases.claim(queue, "harness") for queue in QUEUES)), None)
        if claim:
            worker.advance(claim)
            if claim.step.name == step:
                break
        else:
            _wait_until_due(operation)
    operation.refresh_from_db()


def _wait_until_due(operation: Operation) -> None:
    """As long as the engine would: until its next step is due."""
    at = due_soonest(operation)
    assert at is not None, f"nothing is due, yet it is {operation.status}: {states(operation)}"
    time.sleep(max(0.0, (at - timezone.now()).total_seconds()))


def _advance(claim: leases.Claim, trouble: Trouble | None) -> None:
    """A worker that dies leaves its lease behind, unless it had recorded already."""
    if trouble is None:
        worker.advance(claim)
        return
    try:
        with trouble.during(claim.step):
            worker.advance(claim)
    except Crash:
        now = timezone.now()
        held = Step.objects.filter(pk=claim.step.pk, lease_token=claim.token, lease_until__isnull=False)
        held.update(lease_until=now, due_at=now)


@dataclass
class Twice(Action):
    """Does each deed twice, as after a crash between the deed and its record."""

    action: Action

    @property
    def queue(self) -> str:  # type: ignore[override]
        return self.action.queue

    def look(self, context: Context) -> Seen:
        return self.action.look(context)

    def make(self, context: Context) -> str:
        return self._twice(self.action.make, context)

    def drop(self, context: Context) -> str:
        return self._twice(self.action.drop, context)

    @staticmethod
    def _twice(deed: Callable[[Context], str], context: Context) -> str:
        done = deed(context)
        try:
            deed(context)
        except NotYet:
            return f"{done}; the second time it was told to wait"
        return f"{done}, twice"


@dataclass
class Failing(Action):
    """Does all that it is to do, and then fails for good; going back it does as it always would."""

    action: Action

    @property
    def queue(self) -> str:  # type: ignore[override]
        return self.action.queue

    def look(self, context: Context) -> Seen:
        seen = self.action.look(context)
        if isinstance(seen, AsWanted) and not context.is_going_back:
            raise Refused("It was done, and yet it fails.", "This is a test.")
        return seen

    def make(self, context: Context) -> str:
        return self.action.make(context)

    def drop(self, context: Context) -> str:
        return self.action.drop(context)


def failing_at(stage: str, workflow: Workflow) -> Workflow:
    """The workflow with a step that fails once it has done its work."""
    nodes = (replace(node, action=Failing(node.action)) if node.name == stage else node for node in workflow.nodes)
    return replace(workflow, nodes=tuple(nodes))


def twice(workflow: Workflow) -> Workflow:
    """The workflow with every deed done twice."""
    return replace(workflow, nodes=tuple(replace(node, action=Twice(node.action)) for node in workflow.nodes))


@contextmanager
def in_place_of(*workflows: Workflow) -> Iterator[None]:
    """These workflows stand in the registry for as long as this lasts."""
    before = {workflow.kind: graph.workflow_of(workflow.kind) for workflow in workflows}
    for workflow in workflows:
        graph.register(workflow)
    try:
        yield
    finally:
        for workflow in before.values():
            graph.register(workflow)


def assert_succeeded(operation: Operation) -> None:
    assert operation.status == "succeeded", (operation.error, states(operation))


def assert_struck_at_every_point(trouble: Trouble, operation: Operation) -> None:
    """Each step met trouble before a call, if it makes any, after it before its record, and right after the record."""
    for name, direction in operation.steps.values_list("name", "direction"):
        step = f"{name}/{direction}"
        expected = set(Point) if step in trouble.callers else set(Point) - {Point.CALL}
        assert trouble.struck[step] == expected, name


def begin_again(operation: Operation) -> None:
    """As if nothing had been recorded."""
    operation.steps.update(status=StepStatus.PENDING, started_at=None, deadline_at=None, finished_at=None, outputs={})
    Operation.objects.filter(pk=operation.pk).update(status="running", finished_at=None)
    with transaction.atomic():
        lifecycle.settle(lifecycle.lock(operation.pk))


CHANGE = re.compile(
    r"\.(insert|create|patch|update\w*|delete\w*|set\w+|batchEnable|generateServiceIdentity|addVersion|remove\w+)$"
    r"|\b(POST|PUT|PATCH|DELETE) "
)


def changes(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls that were to change something."""
    return [call for call in calls if CHANGE.search(call["method"])]
