"""How far an operation is, for people: every step with its state, what it waits for, and how long it still takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.core import clock
from provisioning.engine import graph
from provisioning.models import Operation, Step, StepStatus
from provisioning.selectors.durations import expected_seconds

SETTLED = {StepStatus.DONE, StepStatus.SKIPPED, StepStatus.UNDONE}


@dataclass(frozen=True)
class StepView:
    """One step as a person sees it. Durations in seconds; `expected_seconds` is the whole of the step."""

    name: str
    title: str
    status: str
    needs: tuple[str, ...]
    waiting_for: str
    error: str
    elapsed_seconds: float
    expected_seconds: float
    is_on_longest_path: bool
    lane: int
    column: int

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1; never quite 1 before it is."""
        if self.status in SETTLED:
            return 1.0
        return min(0.97, self.elapsed_seconds / self.expected_seconds) if self.expected_seconds else 0.0


@dataclass(frozen=True)
class Lane:
    """Steps that follow one another; lanes run side by side."""

    steps: tuple[StepView, ...]


@dataclass(frozen=True)
class Progress:
    """An operation as a person sees it, as of `at`."""

    operation: Operation
    lanes: tuple[Lane, ...]
    elapsed_seconds: float
    remaining_seconds: float
    at: datetime

    @property
    def steps(self) -> list[StepView]:
        """In the order of the workflow."""
        return sorted((step for lane in self.lanes for step in lane.steps), key=lambda step: (step.column, step.lane))

    @property
    def done_count(self) -> int:
        return sum(step.status in SETTLED for step in self.steps)

    @property
    def share(self) -> float:
        total = self.elapsed_seconds + self.remaining_seconds
        if not self.operation.is_live:
            return 1.0 if self.operation.status in {"succeeded", "undone"} else self.done_count / len(self.steps)
        return min(0.99, self.elapsed_seconds / total) if total else 0.0


def progress_of(operation: Operation) -> Progress:
    """The progress of an operation. Two queries: its steps, and how long such steps took in the past."""
    steps = list(operation.steps.order_by("position"))
    now = clock.now()
    expected = expected_seconds(operation.kind, [step.name for step in steps])
    longest = set(graph.longest_path({s.name: s.needs for s in steps}, expected)[0])
    left = {step.name: _left(step, expected[step.name], now) for step in steps}
    remaining = graph.longest_path({s.name: s.needs for s in steps}, left)[1] if operation.is_live else 0.0
    lanes, columns = _lay_out(steps)
    views = {s.name: _view(operation, s, expected[s.name], longest, lanes[s.name], columns[s.name], now) for s in steps}
    rows = [tuple(views[s.name] for s in steps if lanes[s.name] == lane) for lane in sorted(set(lanes.values()))]
    return Progress(operation, tuple(Lane(row) for row in rows), _elapsed(operation, now), remaining, now)


def _left(step: Step, expected: float, now: datetime) -> float:
    if step.status in SETTLED:
        return 0.0
    if step.started_at is None or step.status == StepStatus.PENDING:
        return expected
    return max(expected - (now - step.started_at).total_seconds(), expected * 0.05)


def _elapsed(row: Operation | Step, now: datetime) -> float:
    return ((row.finished_at or now) - row.started_at).total_seconds() if row.started_at else 0.0


def _view(
    operation: Operation, step: Step, expected: float, longest: set[str], lane: int, column: int, now: datetime
) -> StepView:
    node = graph.workflow_of(operation.kind).find(step.name)
    return StepView(
        name=step.name,
        title=node.action.title() if node else step.name,  # a step of an earlier version of the workflow
        status=step.status,
        needs=tuple(step.needs),
        waiting_for=step.waiting_for,
        error=step.error,
        elapsed_seconds=_elapsed(step, now),
        expected_seconds=expected,
        is_on_longest_path=step.name in longest,
        lane=lane,
        column=column,
    )


def _lay_out(steps: Sequence[Step]) -> tuple[dict[str, int], dict[str, int]]:
    """A column behind whatever it needs; the lane of the need that nobody has continued yet, or else a new one."""
    lanes: dict[str, int] = {}
    columns: dict[str, int] = {}
    ends: dict[int, str] = {}
    for step in steps:
        columns[step.name] = max((columns[need] + 1 for need in step.needs), default=0)
        free = [lane for lane, last in ends.items() if last in step.needs]
        lane = min(free) if free else len(ends)
        lanes[step.name], ends[lane] = lane, step.name
    return lanes, columns
