"""What every workflow goes through: each deed twice, an error at every outside call, a crash before every write.

Nothing here knows a step by name, so that a new line in a workflow's table is covered without anybody remembering.
"""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection
from django.utils import timezone

from provisioning.engine import graph, leases, worker
from provisioning.engine.action import Action, Context, NotYet, Seen
from provisioning.engine.graph import Workflow
from provisioning.models import Operation, Step
from tests.provisioning.driving import QUEUES, due_soonest, states

PATIENCE_SECONDS = 120


class Crash(BaseException):
    """The process dies here. Not an Exception, so nothing may catch it."""


@dataclass
class Trouble:
    """Something happens before the outside is called or the database is written, deeper into each step every time.

    A step's first claim meets it at its first call or write, the next one at its second, until a claim gets through:
    so in one run it happens once at every point of every step.
    """

    strike: Callable[[], None]
    depth: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    strikes: int = 0
    _step: str | None = None
    _reached: int = 0

    @contextmanager
    def during(self, step: Step) -> Iterator[None]:
        self._step, self._reached = f"{step.name}/{step.direction}", 0
        try:
            yield
        finally:
            self._step = None

    def point(self) -> None:
        """Called right before each outside call and each write."""
        if self._step is None:
            return
        self._reached += 1
        if self._reached > self.depth[self._step]:
            self.depth[self._step] += 1
            self.strikes += 1
            self.strike()

    def before_statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            self.point()
        return execute(sql, params, many, context)


def crash() -> None:
    raise Crash


def break_connection() -> None:
    raise ConnectionResetError("the connection broke")


_watcher: Callable[[], None] | None = None
_thread = threading.get_ident()
_ports: set[int] = set()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's audit events say when a connection is made or a program started: every outside call is one of them."""
    if _watcher is None or threading.get_ident() != _thread:
        return
    if event == "subprocess.Popen" or (event == "socket.connect" and _port(arguments[1]) in _ports):
        _watcher()


def _port(address: Any) -> int | None:
    return address[1] if isinstance(address, tuple) and len(address) > 1 else None


sys.addaudithook(_audit)


@contextmanager
def outside_calls_are_watched(by: Callable[[], None], ports: set[int]) -> Iterator[None]:
    """`by` is called before each connection to one of the ports and before each program's start."""
    global _watcher, _thread  # noqa: PLW0603 - audit hooks cannot be removed, so there is one with a switch
    _watcher, _thread = by, threading.get_ident()
    _ports.clear()
    _ports.update(ports)
    try:
        yield
    finally:
        _watcher = None


def run(operation: Operation, trouble: Trouble | None = None, ports: set[int] | None = None) -> Operation:
    """The operation has ended. Trouble, if any, struck at every point; the leases of the dead run out at once."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        claim = next(filter(None, (leases.claim(queue, "harness") for queue in QUEUES)), None)
        if claim:
            _advance(claim, trouble, ports or set())
            continue
        operation.refresh_from_db()
        if not operation.is_live:
            return operation
        at = due_soonest(operation)
        assert at is not None, f"nothing is due, yet it is {operation.status}: {states(operation)}"
        time.sleep(max(0.0, (at - timezone.now()).total_seconds()))
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
            at = due_soonest(operation)
            assert at is not None, f"{step} was never due: {states(operation)}"
            time.sleep(max(0.0, (at - timezone.now()).total_seconds()))
    operation.refresh_from_db()


def _advance(claim: leases.Claim, trouble: Trouble | None, ports: set[int]) -> None:
    if trouble is None:
        worker.advance(claim)
        return
    try:
        with (
            trouble.during(claim.step),
            outside_calls_are_watched(trouble.point, ports),
            connection.execute_wrapper(trouble.before_statement),
        ):
            worker.advance(claim)
    except (Crash, ConnectionResetError):
        now = timezone.now()
        Step.objects.filter(pk=claim.step.pk, lease_token=claim.token).update(lease_until=now, due_at=now)


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
