"""The loop of a worker: claim a due step, pursue its goal, write down what came of it."""

import random
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Max

from portal.core import clock
from portal.core.tracing import span
from provisioning.engine import graph, leases, lifecycle
from provisioning.engine.action import Context, NotYet, Outputs, Refused
from provisioning.engine.graph import Goal, Node, Undo
from provisioning.engine.pursuit import Waiting, pursue
from provisioning.engine.wake import making_a_round, wake, wake_on_commit
from provisioning.models import Operation, OperationKind, Step, StepAttempt, StepStatus
from provisioning.models.operations import ACTIVE
from provisioning.spec import InstanceSpec
from provisioning.turns import NotItsTurn, turn

DRAIN_SECONDS = 2.0
SOON = timedelta(seconds=3)
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 60.0
# What a record may change of a step.
RECORDED = (
    "status",
    "due_at",
    "lease_until",
    "lease_owner",
    "deadline_at",
    "finished_at",
    "failures",
    "waiting_for",
    "error",
    "outputs",
)
Outcome = StepAttempt.Outcome
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Report:
    """What came of one claim. `again` is set for waiting and retry; `is_in_line` if a quota had none left for it."""

    outcome: Outcome
    message: str = ""
    detail: str = ""
    again: timedelta | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    is_in_line: bool = False


class PutOut(Mapping[str, Outputs]):
    """What the finished steps of an operation put out, read from the database when it is first asked for."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    @cached_property
    def _by_step(self) -> dict[str, Outputs]:
        return dict(self._operation.steps.filter(status=StepStatus.DONE).values_list("name", "outputs"))

    def __getitem__(self, step: str) -> Outputs:
        return self._by_step[step]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_step)

    def __len__(self) -> int:
        return len(self._by_step)


def drain(queue: str, owner: str, *, for_seconds: float = DRAIN_SECONDS) -> int:
    """Due steps of the queue are worked on until none is left or the time is over; answers how many claims it took."""
    until = time.monotonic() + for_seconds
    count = 0
    with making_a_round(queue):
        while claim := leases.claim(queue, owner):
            _advance_or_leave(claim)
            count += 1
            if time.monotonic() >= until:
                wake(queue)
                break
    return count


def _advance_or_leave(claim: leases.Claim) -> None:
    """A step that breaks the engine itself is left to its lease's end; the others of the round are worked on."""
    try:
        advance(claim)
    except OperationalError:
        raise  # it is the database that is away
    except Exception:
        log.exception("this step could not be worked on", operation=claim.step.operation_id, step=claim.step.name)


def advance(claim: leases.Claim) -> None:
    """One claim is worked on and its report written, unless the lease was lost meanwhile."""
    step, started_at = claim.step, clock.now()
    node = graph.workflow_of(step.operation.kind).node(step.name)
    deadline = step.deadline_at or started_at + node.deadline
    named, parent = _named(step), step.operation.traceparent
    with structlog.contextvars.bound_contextvars(**named), span(f"step {step.name}", parent=parent, **named):
        try:
            with turn(str(step.pk)):
                report = _work(claim, node, deadline)
            if report.is_in_line:  # time in line is not the step's own
                deadline += (report.again or timedelta(0)) * float(settings.ENGINE_PACE)
            write(claim, node, report, started_at, deadline)
        except leases.LeaseLost:
            log.warning("lease lost; the result of this try does not count", token=claim.token)


def _named(step: Step) -> dict[str, str]:
    """What each line of the log is about, down to the click that everything began with."""
    operation = step.operation
    names = {"instance": operation.instance_id, "operation": operation.pk, "step": step.name}
    return {**names, "request_id": operation.request_id} if operation.request_id else names


def _work(claim: leases.Claim, node: Node, deadline: datetime) -> Report:
    step, made = claim.step, list[str]()
    if _is_called_off(step):
        return Report(Outcome.WAITING, "the operation to stop", again=timedelta(0))
    try:
        report = _pursue(claim, node, made)
    except leases.LeaseLost:
        raise
    except NotItsTurn as line:
        return Report(Outcome.WAITING, line.why, again=line.again, made=tuple(made), is_in_line=True)
    except NotYet as not_yet:
        report = Report(Outcome.WAITING, not_yet.why, again=not_yet.again)
    except Refused as refused:
        return Report(Outcome.FAILED, str(refused), traceback.format_exc(), made=tuple(made))
    except Exception as error:  # noqa: BLE001 - anything else may pass: retried until the deadline, kept in full
        report = Report(Outcome.RETRY, _sentence(error), traceback.format_exc(), again=_backoff(step.failures))
    return _in_time(report, made, deadline)


def _is_called_off(step: Step) -> bool:
    """Whether its operation has ended, or is to stop, since the step became due: a dead worker's lease ran out late."""
    operation = step.operation
    stopping = operation.cancel_requested_at is not None and step.direction == Step.Direction.FORWARD
    return stopping or operation.status not in ACTIVE


def _pursue(claim: leases.Claim, node: Node, made: list[str]) -> Report:
    step, operation = claim.step, claim.step.operation
    forward = step.direction == Step.Direction.FORWARD
    if not forward and node.undo is Undo.NOTHING:
        return Report(Outcome.DONE, "nothing to take back")
    snapshot = operation.previous if not forward and node.undo is Undo.REVERT else operation.wanted
    goal = node.goal if forward or node.undo is Undo.REVERT else Goal.ABSENT
    context = Context(
        operation_id=operation.pk,
        step=step.name,
        generation=step.generation,
        spec=InstanceSpec.from_json(snapshot or operation.wanted),
        outputs=PutOut(operation),
        previous=InstanceSpec.from_json(operation.previous) if operation.previous else None,
        is_going_back=not forward,
        inputs=operation.inputs,
        asked_at=_asked_at(step) if goal is Goal.ABSENT else None,
    )
    result = pursue(node.action, context, goal, claim.hold, made)
    if isinstance(result, Waiting):
        return Report(Outcome.WAITING, result.why, again=result.again)
    return Report(Outcome.DONE, outputs=dict(result.outputs), made=tuple(made))


def _asked_at(step: Step) -> datetime | None:
    """By whichever operation: one that was stopped, or failed elsewhere, may have asked for what is still to come.

    What an earlier teardown asked for is the end of it.
    """
    asked = StepAttempt.objects.filter(
        step__operation__instance=step.operation.instance_id, step__name=step.name, direction=Step.Direction.FORWARD
    )
    made = asked.exclude(made=[]).exclude(step__operation__kind=OperationKind.TEARDOWN)
    last: datetime | None = made.aggregate(at=Max("finished_at"))["at"]
    return last


def _in_time(report: Report, made: list[str], deadline: datetime) -> Report:
    if report.outcome in {Outcome.WAITING, Outcome.RETRY} and clock.now() >= deadline:
        last = report.message if report.outcome == Outcome.RETRY else f"It still waited for {report.message}."
        message = f"It took longer than it may. {last} Look at the attempts, mend the cause, then retry the step."
        return Report(Outcome.FAILED, message, report.detail, made=tuple(made))
    return replace(report, made=tuple(made))


def write(claim: leases.Claim, node: Node, report: Report, started_at: datetime, deadline: datetime) -> None:
    """The report stands in the database, and what follows from it is open. Raises LeaseLost when it does not count."""
    step, now = claim.step, clock.now()
    step.lease_until, step.lease_owner, step.deadline_at = None, "", deadline
    _apply(step, node, report, deadline)
    with transaction.atomic():
        operation = lifecycle.lock(step.operation_id)
        if not claim.ours().update(**{name: getattr(step, name) for name in RECORDED}):
            raise leases.LeaseLost
        _log_attempt(step, report, claim.owner, started_at, now)
        lifecycle.settle(operation)
        if step.due_at and step.due_at - now < SOON:
            wake_on_commit(step.queue, at=step.due_at)


def _apply(step: Step, node: Node, report: Report, deadline: datetime) -> None:
    now = clock.now()
    step.due_at, step.waiting_for, step.error = None, "", ""
    if report.outcome == Outcome.DONE:
        back = step.direction == Step.Direction.BACK
        step.status = StepStatus.UNDONE if back else StepStatus.DONE
        step.finished_at, step.failures = now, 0
        step.outputs = step.outputs if back else report.outputs
    elif report.outcome == Outcome.FAILED:
        may_skip = node.gives_up and step.direction == Step.Direction.FORWARD
        step.status = StepStatus.SKIPPED if may_skip else StepStatus.FAILED
        step.finished_at, step.error = (
            now,
            f"{report.message} Given up: {node.gives_up}" if may_skip else report.message,
        )
    else:
        retry = report.outcome == Outcome.RETRY
        step.status = StepStatus.WAITING
        step.failures = step.failures + 1 if retry else 0
        step.error = report.message if retry else ""
        step.waiting_for = "another try" if retry else report.message
        step.due_at = now + _pause(report, node, now - (deadline - node.deadline))


def _pause(report: Report, node: Node, age: timedelta) -> timedelta:
    """It is asked when it may be news: the sooner, the nearer it is to how long such a step usually takes, and then the
    later, the longer it has waited (a twelfth of its age so far); but at the latest after what the action said.
    """
    pace = float(settings.ENGINE_PACE)
    again = (report.again or timedelta(0)) * pace
    if report.outcome == Outcome.RETRY or report.is_in_line:
        return again
    return min(again, max(timedelta(seconds=pace), age / 12, (node.usual * pace - age) / 4))


def _log_attempt(step: Step, report: Report, owner: str, started_at: datetime, now: datetime) -> None:
    if report.outcome == Outcome.WAITING and not report.made:
        last = step.attempts.order_by("-id").first()
        if (
            last
            and last.outcome == Outcome.WAITING
            and last.message == report.message
            and last.direction == step.direction
        ):
            last.finished_at, last.looks = now, last.looks + 1
            last.save(update_fields=["finished_at", "looks"])
            return
    StepAttempt.objects.create(
        step=step,
        direction=step.direction,
        outcome=report.outcome,
        worker=owner,
        started_at=started_at,
        finished_at=now,
        made=list(report.made),
        message=report.message,
        detail=report.detail,
    )


def _backoff(failures: int) -> timedelta:
    longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures, 10))
    return timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter needs no cryptography


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
