"""Why an operation does not get on, in plain words: the step, what it waits for or failed of, since when, whose."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from portal.core import clock
from portal.core.admin.words import NOTHING, duration, when
from provisioning.admin.attention import TRIES_IN_A_ROW, UNCLAIMED_FOR, Rank
from provisioning.admin.states import seconds_of
from provisioning.admin.steps import title_of
from provisioning.admin.usual import Usual
from provisioning.models import Operation, Step, StepStatus

AT_WORK = {StepStatus.RUNNING, StepStatus.WAITING}


@dataclass(frozen=True)
class Fact:
    name: str
    value: SafeString | str


@dataclass(frozen=True)
class Diagnosis:
    """`why` is a sentence or two; `facts` are what one looks at next."""

    why: str
    facts: tuple[Fact, ...]


def diagnose(operation: Operation, usual: Usual | None) -> Diagnosis:
    """What is wrong with an operation of `attention.needing_attention`. No query."""
    step = _culprit(operation)
    return Diagnosis(_why(operation, step, usual), tuple(_facts(operation, step, usual)))


def _culprit(operation: Operation) -> Step | None:
    """The step that holds it up: one that failed, else one that is late, else one that is at work, the oldest first."""
    steps = sorted(operation.steps.all(), key=lambda step: step.started_at or clock.now())
    for sign in (_has_failed, _is_late, _is_held, _is_at_work):
        if step := next(filter(sign, steps), None):
            return step
    return None


def _why(operation: Operation, step: Step | None, usual: Usual | None) -> str:
    rank = operation.rank  # type: ignore[attr-defined] # set by attention.with_rank
    words = {
        Rank.STUCK: _of_stopped,
        Rank.FAILED: _of_stopped,
        Rank.ADRIFT: _of_adrift,
        Rank.LATE: _of_late,
        Rank.STOPPING: _of_stopping,
        Rank.QUEUED: _of_queued,
    }
    if rank == Rank.SLOW and usual:
        return f"It takes longer than usual. {_now(operation, step)}"
    return words.get(rank, _now)(operation, step)


def _of_stopped(operation: Operation, step: Step | None) -> str:
    if step is None:
        return operation.error or "It stopped, and no step says why."
    verb = "Taking back" if step.direction == Step.Direction.BACK else "The step"
    return f"{verb} “{title_of(operation.kind, step.name)}” failed: {step.error or operation.error}"


def _of_adrift(_operation: Operation, _step: Step | None) -> str:
    return "It is under way, yet no step is due and no worker holds one: nothing would ever move it on."


def _of_late(operation: Operation, step: Step | None) -> str:
    if step is None:
        return "A step is late."
    title = title_of(operation.kind, step.name)
    if _is_unclaimed(step):
        return (
            f"No worker takes its next step, though it is due: “{title}”, queue {step.queue}. Are its workers running?"
        )
    if _keeps_failing(step):
        return f"“{title}” has failed {step.failures} times in a row, and is tried again. {step.error}"
    return f"“{title}” is past its deadline, and still waits for {step.waiting_for or 'its end'}."


def _of_stopping(operation: Operation, step: Step | None) -> str:
    asked = duration(_since(operation.cancel_requested_at), units=1)
    if step is None or not _is_held(step):
        return f"It was asked to stop {asked} ago, and has not."
    return f"It was asked to stop {asked} ago; a worker still holds “{title_of(operation.kind, step.name)}”."


def _of_queued(operation: Operation, _step: Step | None) -> str:
    waits = f"waiting for {operation.waiting_for}" if operation.waiting_for else "and nothing says what it waits for"
    return f"Queued for {duration(_since(operation.created_at), units=1)}, {waits}."


def _now(operation: Operation, step: Step | None) -> str:
    if step is None:
        return "No step is at work."
    title = title_of(operation.kind, step.name)
    if _is_held(step):
        return f"A worker is at “{title}”."
    return f"“{title}” waits for {step.waiting_for or 'a worker'}."


def _facts(operation: Operation, step: Step | None, usual: Usual | None) -> list[Fact]:
    facts = []
    if step:
        since = step.finished_at if step.status == StepStatus.FAILED else step.started_at
        facts += [Fact("Step", step.name), Fact("Since", when(since)), *_whose(step)]
    if operation.started_at:
        facts.append(Fact("So far", duration(seconds_of(operation))))
    if usual:
        source = f"{usual.runs} runs" if usual.runs else "its table"
        facts.append(Fact("Usual", f"up to {duration(usual.seconds)} ({source})"))
    return facts


def _whose(step: Step) -> list[Fact]:
    if step.lease_until and _is_held(step):
        return [Fact("Held by", step.lease_owner or NOTHING), Fact("Lease ends", when(step.lease_until))]
    return [Fact("Next try", when(step.due_at))] if step.due_at else []


def _has_failed(step: Step) -> bool:
    return step.status == StepStatus.FAILED


def _is_at_work(step: Step) -> bool:
    return step.status in AT_WORK or step.due_at is not None


def _is_late(step: Step) -> bool:
    return _is_unclaimed(step) or _is_past_deadline(step) or _keeps_failing(step)


def _is_unclaimed(step: Step) -> bool:
    return step.due_at is not None and step.due_at < clock.now() - UNCLAIMED_FOR


def _is_past_deadline(step: Step) -> bool:
    return step.due_at is not None and step.deadline_at is not None and step.deadline_at < clock.now()


def _keeps_failing(step: Step) -> bool:
    return step.due_at is not None and step.failures >= TRIES_IN_A_ROW


def _is_held(step: Step) -> bool:
    return step.lease_until is not None and step.lease_until > clock.now()


def _since(moment: datetime | None) -> float | None:
    return (clock.now() - moment).total_seconds() if moment else None
