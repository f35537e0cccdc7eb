"""The steps of an operation as an admin sees them: every try of each, and errors in full."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Prefetch
from django.utils.safestring import SafeString

from portal.core import clock
from portal.core.admin.words import duration, pill
from provisioning.engine import graph
from provisioning.models import Operation, Step, StepAttempt, StepStatus

TRIES_SHOWN = 30


@dataclass(frozen=True)
class Try:
    """What a worker did for a step, or how often in a row it found the same."""

    outcome: SafeString
    looks: int
    is_back: bool
    worker: str
    at: datetime
    took: str
    made: tuple[str, ...]
    message: str
    detail: str


@dataclass(frozen=True)
class StepRow:
    step: Step
    title: str
    state: SafeString
    took: str
    is_back: bool
    is_open: bool
    tries: tuple[Try, ...]
    tries_count: int
    outputs: str


def step_rows(operation: Operation) -> list[StepRow]:
    """The operation's steps in order, each with its latest tries. Two queries, however many steps and tries."""
    latest = Prefetch("attempts", StepAttempt.objects.order_by("-id")[:TRIES_SHOWN], to_attr="latest_attempts")
    steps = operation.steps.annotate(tries_count=Count("attempts")).prefetch_related(latest).order_by("position")
    return [_row(operation, step) for step in steps]


def _row(operation: Operation, step: Step) -> StepRow:
    end = step.finished_at or clock.now()
    attempts: list[StepAttempt] = step.latest_attempts  # type: ignore[attr-defined] # set by step_rows
    return StepRow(
        step=step,
        title=title_of(operation.kind, step.name),
        state=pill("under way" if step.status == StepStatus.RUNNING else step.status),
        took=duration((end - step.started_at).total_seconds() if step.started_at else None),
        is_back=step.direction == Step.Direction.BACK,
        is_open=bool(step.error) or _was_taken_back_for_it(step, attempts),
        tries=tuple(_try(attempt) for attempt in attempts),
        tries_count=step.tries_count,  # type: ignore[attr-defined] # set by step_rows
        outputs=json.dumps(step.outputs, indent=2, sort_keys=True) if step.outputs else "",
    )


def _was_taken_back_for_it(step: Step, attempts: list[StepAttempt]) -> bool:
    """Whether the operation was undone because this step had failed: then its row says nothing of it any more."""
    has_failed = any(attempt.outcome == StepAttempt.Outcome.FAILED for attempt in attempts)
    return step.status == StepStatus.UNDONE and has_failed


def _try(attempt: StepAttempt) -> Try:
    return Try(
        outcome=pill(attempt.outcome),
        looks=attempt.looks,
        is_back=attempt.direction == Step.Direction.BACK,
        worker=attempt.worker,
        at=attempt.started_at,
        took=duration((attempt.finished_at - attempt.started_at).total_seconds()),
        made=tuple(map(str, attempt.made)),
        message=attempt.message,
        detail=attempt.detail,
    )


def title_of(kind: str, name: str) -> str:
    """The step's title, or its name where today's table knows neither any more: old operations stay readable."""
    try:
        node = graph.workflow_of(kind).find(name)
    except LookupError:
        return name
    return node.action.title() if node else name
