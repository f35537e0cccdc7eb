"""Who may use a feature, on what grounds, and for how long: pure functions of what is known."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

NOTICE: Final = timedelta(days=7)  # what ends is told so long before, and what has ended unannounced goes on so long


class Source(StrEnum):
    """On what grounds; of several that last as long, the first counts."""

    PLAN = "plan"
    ADD_ON = "add-on"
    GRANT = "grant"
    TRIAL = "trial"


_ORDER: Final = list(Source)


@dataclass(frozen=True)
class Entitlement:
    """An instance may use the feature, `units` of it where it is counted. No `until`: as long as nothing changes.

    `ends_alone`: its end leaves all else as it is, so that people have to be told of it; not so a trial's, for one.
    """

    feature: str
    source: Source
    since: datetime
    until: datetime | None = None
    units: int = 1
    ends_alone: bool = False

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


def entitlements(given: Iterable[Entitlement], now: datetime) -> dict[str, Entitlement]:
    """By feature the one that counts at `now`: the longest. Units are the most of all that hold, since they overlap."""
    found = dict[str, Entitlement]()
    for each in sorted((each for each in given if each.holds(now)), key=_rank):
        known = found.get(each.feature)
        found[each.feature] = replace(known, units=max(known.units, each.units)) if known else each
    return found


def ends_at(entitlement: Entitlement | None, told: datetime | None, now: datetime) -> datetime | None:
    """When a feature that is on is to be switched off, as far as people have to be told; None while it goes on.

    `told` is what they have been told before: that stays, unless the entitlement lasts longer by now.
    """
    if entitlement is None:
        return told or now + NOTICE
    if entitlement.until is None or not entitlement.ends_alone or entitlement.until > now + NOTICE:
        return None
    return entitlement.until


def _rank(entitlement: Entitlement) -> tuple[bool, float, int]:
    """The longest first: those without an end before all others."""
    until = entitlement.until
    return until is not None, -(until.timestamp() if until else 0), _ORDER.index(entitlement.source)
