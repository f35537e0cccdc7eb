"""A jump in cost, as people read it."""

from datetime import date, datetime

from billing.costs.sums import as_cents
from billing.models import CostJump
from billing.terms.money import money
from provisioning.models import Operation


def jump_in_words(jump: CostJump) -> str:
    """Such as: E2 core of acme costs 24.10 USD a day since 27 November, 10.05 USD before: since its resize of …"""
    return f"{jump.description} of {jump.instance.slug} costs {change_in_words(jump)}: {explanation(jump)}."


def change_in_words(jump: CostJump) -> str:
    """By how much, and since when."""
    after, before = a_day(jump.after_nanos), a_day(jump.before_nanos)
    return f"{after} a day since {_in_words(jump.since)}, {before} before"


def explanation(jump: CostJump) -> str:
    """Which operation of ours came before it; completes “…: ”."""
    if jump.explained_by is None:
        return "no operation of ours ended within a day before it"
    return f"since the {_named(jump.explained_by)}"


def a_day(nanos: int) -> str:
    return money(as_cents(nanos), "usd")


def _named(operation: Operation) -> str:
    ended = f" of {_in_words(operation.finished_at)}" if operation.finished_at else ""
    return f"{operation.kind.replace('-', ' ')}{ended}"


def _in_words(day: date | datetime) -> str:
    """Such as 27 November."""
    return f"{day.day} {day:%B}"
