"""Who of ours may look into an instance, as its people read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.core.models import AuditEvent
from portal.web.standing import Standing
from provisioning.fleet.access import LAPSES_AFTER, is_asked, is_open, state_at
from provisioning.models import Access
from provisioning.selectors.access import looks_by

SHOWN_LOOKS: Final = 50
STANDINGS: Final = {
    "asked": Standing("Waits for your answer", "warn", "hourglass"),
    "granted": Standing("Open", "busy", "eye"),
    "refused": Standing("Refused", "quiet", "ban"),
    "withdrawn": Standing("Withdrawn", "quiet", "ban"),
    "lapsed": Standing("Not answered", "quiet", "ban"),
    "ended": Standing("Over", "good", "circle-check"),
}


@dataclass(frozen=True)
class Look:
    at: datetime
    what: str


@dataclass(frozen=True)
class ToldAccess:
    """An access with what time has made of it, and what was looked at. `looks` are the newest, `count` is of all."""

    access: Access
    standing: Standing
    is_asked: bool
    is_open: bool
    lapses_at: datetime
    looks: tuple[Look, ...]
    count: int


def told(accesses: Iterable[Access], now: datetime) -> list[ToldAccess]:
    """Each as its customer reads it, in the same order."""
    rows = list(accesses)
    looks = looks_by(rows)
    return [_told(access, looks[access.pk], now) for access in rows]


def words_of(look: AuditEvent) -> str:
    """What was looked at."""
    about = look.details
    if about.get("what") == "log":
        return f"the log of {about.get('pod')}, container {about.get('container')}"
    return {"pods": "the pods", "events": "the events", "revisions": "the revisions"}.get(about.get("what", ""), "")


def _told(access: Access, looks: list[AuditEvent], now: datetime) -> ToldAccess:
    return ToldAccess(
        access=access,
        standing=STANDINGS[state_at(access, now)],
        is_asked=is_asked(access, now),
        is_open=is_open(access, now),
        lapses_at=access.asked_at + LAPSES_AFTER,
        looks=tuple(Look(look.at, words_of(look)) for look in looks[-SHOWN_LOOKS:]),
        count=len(looks),
    )
