"""What is looked at from outside, and what was seen."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Target:
    """A running instance, as the database tells of it. `is_down`: an outage of it is open there."""

    instance_id: str
    domain: str
    is_under_change: bool = False
    is_down: bool = False


@dataclass(frozen=True)
class Look:
    """One probe of an instance. `failure` says how it failed; empty: it answered."""

    instance_id: str
    began_at: datetime
    ended_at: datetime
    failure: str = ""


@dataclass
class Run:
    """So many failed looks in a row, and when an answer ended them, if one did.

    `began_at` is the beginning of the first; None where the outage is in the database already, and only goes on.
    """

    instance_id: str
    began_at: datetime | None = None
    what: str = ""
    failed: int = 0
    ended_at: datetime | None = None


def runs_of(looks: Iterable[Look], down: Collection[str]) -> list[Run]:
    """What the looks say of outages; `down` are the instances that have an open one before the first look."""
    current = {instance_id: Run(instance_id) for instance_id in down}
    ended: list[Run] = []
    for look in sorted(looks, key=lambda each: each.ended_at):
        if look.failure:
            first = Run(look.instance_id, look.began_at, look.failure)
            current.setdefault(look.instance_id, first).failed += 1
        elif run := current.pop(look.instance_id, None):
            run.ended_at = look.ended_at
            ended.append(run)
    return ended + [run for run in current.values() if run.failed]
