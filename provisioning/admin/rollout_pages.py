"""What the page of a rollout shows: its head, its stages, its matrix, who has failed, what the others wait for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core.admin.deeds import Button
from portal.core.admin.words import duration, pill, when
from provisioning.admin.links import address_of, list_address
from provisioning.admin.rollout_cards import MAY_MOVE, cards_of
from provisioning.admin.rollout_words import (
    MEMBER_WORDS,
    dollars,
    moment,
    rollout_pill,
    stage_in_words,
)
from provisioning.models import Operation, Rehearsal, Rollout, RolloutMember, StepAttempt, StepStatus
from provisioning.selectors.rollouts import (
    Cell,
    Group,
    Preview,
    RolloutProgress,
    preview,
    progress,
)

Status = RolloutMember.Status
REASONS_SHOWN, NAMES_SHOWN = 8, 6
CELLS = "../cell/"  # below the rollout's page: a thousand of them are written, again and again


@dataclass(frozen=True)
class Failure:
    """Red cells with the same error: how many, and the first of them."""

    error: str
    count: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class RehearsalRow:
    rehearsal: Rehearsal
    state: SafeString
    stand_in_address: str


def page_of(rollout: Rollout, buttons: Sequence[Button]) -> dict[str, Any]:
    """The context of the page. A constant number of queries, however many members."""
    seen = progress(rollout)
    plan = preview(rollout) if rollout.status == Rollout.Status.DRAFT else None
    return {
        "rollout": rollout,
        "state": rollout_pill(rollout),
        "buttons": buttons,
        "facts": _facts(rollout, plan),
        "cards": cards_of(seen, plan),
        "cells": CELLS,
        "plan": plan,
        "legend": [(status, word, seen.counts[status]) for status, word in MEMBER_WORDS.items()],
        "total": seen.total,
        "failures": _failures(seen),
        "waiting": [] if plan else _waiting(seen),
        "rehearsals": [_rehearsal(one) for one in seen.rehearsals],
        "is_paused": rollout.status == Rollout.Status.PAUSED,
        "audit_address": list_address("core_auditevent", object_id=rollout.pk),
    }


def is_live(rollout: Rollout) -> bool:
    """Whether something of it may still change by itself."""
    if rollout.status in MAY_MOVE:
        return True
    ahead = {Status.PLANNED} if rollout.status == Rollout.Status.SUCCEEDED else set()
    is_draft = rollout.status == Rollout.Status.DRAFT
    return not is_draft and rollout.members.filter(status__in={Status.RUNNING, Status.GOING_BACK} | ahead).exists()


def cell_address(member: RolloutMember) -> str:
    """Where a cell leads: to its operation, at the step that has failed, or else to the instance."""
    operation = member.operation
    if operation is None:
        return address_of(member.instance)
    step = failing_step(operation) if member.status == Status.FAILED else ""
    return f"{address_of(operation)}#{step}" if step else address_of(operation)


def failing_step(operation: Operation) -> str:
    """The step that has failed; for what has taken itself back, the one that had. "" when there is none."""
    steps = operation.steps.values_list("name", flat=True)
    tries = StepAttempt.objects.filter(step__operation=operation, outcome=StepAttempt.Outcome.FAILED)
    return (
        steps.filter(status=StepStatus.FAILED).first()
        or tries.order_by("-pk").values_list("step__name", flat=True).first()
        or steps.exclude(error="").first()
        or ""
    )


def _facts(rollout: Rollout, plan: Preview | None) -> list[tuple[str, SafeString | str]]:
    facts: list[tuple[str, SafeString | str]] = [("Policy", _link(rollout.policy, rollout.policy.title))]
    if plan:
        facts += _planned_facts(plan)
    else:
        facts += [("Stage", stage_in_words(rollout, len(rollout.stages.all()))), ("Started", when(rollout.started_at))]
        facts += [("Ended", when(rollout.finished_at))] if rollout.finished_at else []
    facts += [
        ("Made by", rollout.created_by.email if rollout.created_by else "the portal"),
        ("At once", f"{rollout.most_at_once} at most"),
    ]
    if rollout.supersedes:
        facts.append(("Supersedes", _link(rollout.supersedes, f"the rollout of {rollout.supersedes}")))
    if successor := getattr(rollout, "superseded_by", None):
        is_draft = successor.status == Rollout.Status.DRAFT
        name = "To be superseded by" if is_draft else "Superseded by"
        facts.append((name, _link(successor, f"the {'draft' if is_draft else 'rollout'} of {successor}")))
    return facts


def _planned_facts(plan: Preview) -> list[tuple[str, SafeString | str]]:
    one = duration(plan.expected_seconds_each, units=1)
    cost = dollars(plan.cents)
    if plan.rehearsal_cents:
        cost = f"{cost}: backups {dollars(plan.backup_cents)}, rehearsals {dollars(plan.rehearsal_cents)}"
    facts: list[tuple[str, SafeString | str]] = [
        ("Instances", f"{plan.total:,}"),
        ("Takes", f"about {duration(plan.duration_seconds)}, one instance {one}"),
        ("Ends", format_html("about {}", moment(plan.ends_at))),
        ("Costs", cost),
    ]
    if any(stage.stage.needs_rehearsal for stage in plan.stages):
        names = ", ".join(plan.rehearsed_with) or "nobody: that stage has none in production"
        facts.append(("Rehearsed with", names))
    return facts


def _link(row: Any, title: str) -> SafeString:
    return format_html('<a href="{}" class="link">{}</a>', address_of(row), title)


def _failures(seen: RolloutProgress) -> list[Failure]:
    """By their error, the most frequent first: many alike tell of the release, a single one of its instance."""
    red = defaultdict[str, list[Cell]](list)
    for stage in seen.stages:
        for cell in stage.members:
            if cell.status == Status.FAILED:
                red[cell.error or "No error was told."].append(cell)
    failures = [Failure(error, len(cells), tuple(cells[:NAMES_SHOWN])) for error, cells in red.items()]
    return sorted(failures, key=lambda failure: -failure.count)[:REASONS_SHOWN]


def _waiting(seen: RolloutProgress) -> list[Group]:
    """What those wait for whose turn is still to come, the largest group first."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for stage in seen.stages:
        for cell in stage.members:
            if cell.status == Status.PLANNED and cell.waiting_for:
                names[cell.waiting_for].append(cell.slug)
    groups = [Group(why, len(own), tuple(own[:NAMES_SHOWN])) for why, own in names.items()]
    return sorted(groups, key=lambda group: -group.count)[:REASONS_SHOWN]


def _rehearsal(rehearsal: Rehearsal) -> RehearsalRow:
    look = {Rehearsal.Status.RUNNING: "under way", Rehearsal.Status.PASSED: "done"}.get(
        Rehearsal.Status(rehearsal.status), "failed"
    )
    word = "under way" if rehearsal.status == Rehearsal.Status.RUNNING else rehearsal.status
    address = address_of(rehearsal.stand_in) if rehearsal.stand_in else ""
    return RehearsalRow(rehearsal, pill(word, look=look), address)
