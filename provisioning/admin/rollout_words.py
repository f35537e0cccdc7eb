"""Rollouts in words: states, gates, shares, times, and what a cell of the matrix says."""

from collections.abc import Mapping
from datetime import UTC, datetime

from django.template.defaultfilters import date as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core.admin.words import pill, when
from provisioning.models import Kind, Rollout, RolloutMember, RolloutStage
from provisioning.models.rollouts import StageTerms
from provisioning.selectors.rollouts import Cell

R, S, M = Rollout.Status, RolloutStage.Status, RolloutMember.Status
# The word, and whose look it has.
ROLLOUT_LOOKS = {
    R.DRAFT: ("draft", "pending"),
    R.RUNNING: ("under way", ""),
    R.PAUSED: ("paused", "suspended"),
    R.SUCCEEDED: ("succeeded", ""),
    R.ABORTED: ("aborted", "cancelled"),
    R.SUPERSEDED: ("superseded", "skipped"),
    R.ROLLING_BACK: ("rolling back", "undoing"),
    R.ROLLED_BACK: ("rolled back", "undone"),
}
STAGE_LOOKS = {
    S.PLANNED: ("planned", "pending"),
    S.HELD: ("held", "waiting"),
    S.RUNNING: ("under way", ""),
    S.SOAKING: ("resting", "waiting"),
    S.PASSED: ("passed", "done"),
}
MEMBER_WORDS = {
    M.DONE: "done",
    M.RUNNING: "under way",
    M.FAILED: "failed",
    M.PLANNED: "planned",
    M.SKIPPED: "skipped",
    M.GOING_BACK: "going back",
    M.UNDONE: "back again",
}
KIND_WORDS = {Kind.INTERNAL: "internal", Kind.TRIAL: "on trial", Kind.PRODUCTION: "in production"}
LONGEST_ERROR = 300


def rollout_pill(rollout: Rollout) -> SafeString:
    word, look = ROLLOUT_LOOKS[R(rollout.status)]
    return pill(word, look=look)


def stage_pill(stage: RolloutStage) -> SafeString:
    word, look = STAGE_LOOKS[S(stage.status)]
    return pill(word, look=look)


def stage_in_words(rollout: Rollout, stages: int) -> str:
    """Such as “2 of 4”."""
    if rollout.status == Rollout.Status.DRAFT:
        return f"{stages}, none begun"
    return f"{min(rollout.stage_position, stages)} of {stages}"


def asked_of(terms: StageTerms) -> tuple[str, ...]:
    """What is wanted before a stage begins."""
    wants = []
    if terms.needs_approval:
        wants.append("begins when a person approves it")
    if terms.needs_rehearsal:
        wants.append("begins when last night's backups have been upgraded beside their instances")
    return tuple(wants)


def gate_of(terms: StageTerms) -> str:
    """What it must show, or else the rollout pauses."""
    return (
        f"pauses when more than {terms.most_failed_percent} % fail, fewer than {terms.least_healthy_percent} % answer "
        f"or over {terms.most_burn:g} times the error budget burns"
    )


def shares_of(terms: StageTerms) -> str:
    """Of each kind, how many percent have had their turn at its end."""
    internal = "" if terms.internal_percent == 100 else f"{terms.internal_percent} % internal, "
    if not terms.trial_percent and not terms.customer_percent:
        return f"{terms.internal_percent} % of internal instances"
    if terms.trial_percent == terms.customer_percent:
        return f"{internal}{terms.trial_percent} % of trials and customers"
    return f"{internal}{terms.trial_percent} % of trials, {terms.customer_percent} % of customers"


def rest_of(terms: StageTerms) -> str:
    """Such as “rests 2 days, weekends not counted”."""
    days, hours = divmod(terms.soak_hours, 24)
    if not terms.soak_hours:
        return "does not rest"
    span = f"{days} day{'' if days == 1 else 's'}" if days and not hours else f"{terms.soak_hours} h"
    return f"rests {span}, weekends not counted" if terms.soak_skips_weekends else f"rests {span}"


def kinds_in_words(counts: Mapping[str, int]) -> str:
    """Such as “2 internal, 5 on trial”."""
    return ", ".join(f"{counts[kind]} {word}" for kind, word in KIND_WORDS.items() if counts.get(kind)) or "nobody"


def moment(at: datetime) -> SafeString:
    """The day and the time, in UTC."""
    day = format_date(at.astimezone(UTC), "D j M, H:i")
    return format_html('<time datetime="{}" class="tabular">{} UTC</time>', at.isoformat(timespec="seconds"), day)


def soon(at: datetime) -> SafeString:
    """The moment, and how far away it is."""
    return format_html("{} ({})", moment(at), when(at))


def dollars(cents: int) -> str:
    """Cents of less than ten dollars count."""
    return f"{cents / 100:,.2f} USD" if cents < 1_000 else f"{cents / 100:,.0f} USD"


def cell_in_words(cell: Cell) -> str:
    """One sentence: the name, how it stands, and why."""
    word, why = MEMBER_WORDS[M(cell.status)], ""
    if cell.status == M.PLANNED:
        return f"{cell.slug}: waiting for {cell.waiting_for}" if cell.waiting_for else f"{cell.slug}: planned"
    if cell.status == M.FAILED:
        why = cell.error[:LONGEST_ERROR]
    elif cell.status == M.SKIPPED:
        why = cell.skipped_because
    return f"{cell.slug}: {word}. {why}" if why else f"{cell.slug}: {word}"
