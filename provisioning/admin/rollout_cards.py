"""The stages of a rollout as cards: on the track how far each is, in the matrix a square for each member."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core import clock
from portal.core.admin.words import when
from provisioning.admin.rollout_forms import unapproved
from provisioning.admin.rollout_words import (
    MEMBER_WORDS,
    asked_of,
    cell_in_words,
    gate_of,
    kinds_in_words,
    moment,
    rest_of,
    shares_of,
    soon,
    stage_pill,
)
from provisioning.models import Rollout, RolloutMember, RolloutStage
from provisioning.selectors.rollouts import Preview, RolloutProgress, StagePreview, StageProgress

Status, Stage = RolloutMember.Status, RolloutStage.Status
MAY_MOVE = {Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.ROLLING_BACK}
# How a stage's bar is filled, in this order; the rest of it is still to come.
FILLED_BY = (Status.DONE, Status.UNDONE, Status.SKIPPED, Status.RUNNING, Status.GOING_BACK, Status.FAILED)


@dataclass(frozen=True)
class Part:
    """A piece of a stage's bar; `start` and `width` are percent of it."""

    status: str
    start: float
    width: float


@dataclass(frozen=True)
class Square:
    """A member in the matrix: one element of the page."""

    member_id: int
    status: str
    words: str


@dataclass(frozen=True)
class StageCard:
    """A stage on the track, and its part of the matrix."""

    stage: RolloutStage
    state: SafeString
    is_present: bool
    total: int
    told: str
    shares: str
    rest: str
    asked: tuple[str, ...]
    gate: str
    notes: tuple[SafeString | str, ...]
    may_be_approved: bool
    bar: tuple[Part, ...]
    squares: tuple[Square, ...]


def cards_of(seen: RolloutProgress, plan: Preview | None) -> list[StageCard]:
    """In order; with the plan of a draft they say who goes when."""
    open_to_approval = {stage.pk for stage in unapproved(seen.rollout)}
    approvers = {stage.pk: stage.approved_by for stage in seen.rollout.stages.all()}
    planned = {stage.stage.pk: stage for stage in plan.stages} if plan else {}
    for stage in seen.stages:
        stage.stage.approved_by = approvers[stage.stage.pk]
    return [
        _card(seen.rollout, stage, planned.get(stage.stage.pk), may_be_approved=stage.stage.pk in open_to_approval)
        for stage in seen.stages
    ]


def _card(rollout: Rollout, seen: StageProgress, plan: StagePreview | None, *, may_be_approved: bool) -> StageCard:
    stage = seen.stage
    return StageCard(
        stage=stage,
        state=stage_pill(stage),
        is_present=rollout.status in MAY_MOVE and stage.position == rollout.stage_position,
        total=seen.total,
        told=kinds_in_words(plan.counts) if plan else _counts_in_words(seen),
        shares=shares_of(stage),
        rest=rest_of(stage),
        asked=asked_of(stage),
        gate=gate_of(stage),
        notes=tuple(_planned_notes(plan) if plan else _notes(rollout, seen)),
        may_be_approved=may_be_approved and rollout.status in MAY_MOVE - {Rollout.Status.ROLLING_BACK},
        bar=_bar(seen.counts, seen.total),
        squares=tuple(Square(cell.member_id, cell.status, cell_in_words(cell)) for cell in seen.members),
    )


def _planned_notes(plan: StagePreview) -> Iterable[SafeString | str]:
    if plan.earliest and plan.latest:
        yield format_html("first {}", moment(plan.earliest))
        if plan.latest > plan.earliest:
            yield format_html("last {}", moment(plan.latest))


def _notes(rollout: Rollout, seen: StageProgress) -> Iterable[SafeString | str]:
    """When it comes, or what it waits for; nothing once the rollout is over."""
    stage = seen.stage
    if stage.approved_at:
        by = stage.approved_by.email if stage.approved_by else "the portal"
        yield format_html("approved {} by {}", when(stage.approved_at), by)
    if stage.status == Stage.PASSED and stage.passed_at:
        yield format_html("passed {}", when(stage.passed_at))
    elif rollout.status not in MAY_MOVE:
        return
    elif stage.waiting_for:
        yield f"waits for {stage.waiting_for}"
    elif rollout.status == Rollout.Status.RUNNING:
        yield from _when_it_comes(seen)


def _when_it_comes(seen: StageProgress) -> Iterable[SafeString | str]:
    if seen.stage.status == Stage.SOAKING:
        yield format_html("rests until {}", soon(seen.slot.rested_at))
    elif seen.stage.status == Stage.RUNNING and seen.total:
        is_due = seen.slot.done_at <= clock.now()
        yield "done any moment" if is_due else format_html("done about {}", soon(seen.slot.done_at))
    elif seen.stage.status == Stage.PLANNED and seen.total:
        yield format_html("not before {}", soon(seen.slot.opens_at))


def _counts_in_words(seen: StageProgress) -> str:
    if not seen.total:
        return "nobody"
    done = f"{seen.counts[Status.DONE]} of {seen.total} done"
    others = (Status.FAILED, Status.RUNNING, Status.GOING_BACK, Status.UNDONE, Status.SKIPPED)
    return ", ".join([done, *(f"{seen.counts[one]} {MEMBER_WORDS[one]}" for one in others if seen.counts[one])])


def _bar(counts: Mapping[str, int], total: int) -> tuple[Part, ...]:
    parts, start = list[Part](), 0.0
    for status in FILLED_BY:
        if counts[status]:
            width = 100 * counts[status] / total
            parts.append(Part(status, round(start, 2), round(width, 2)))
            start += width
    return tuple(parts)
