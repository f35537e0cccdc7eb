"""How uptime is shown: a bar for each day, shares in words, and what is left of a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from portal.web.wording import roughly
from provisioning.health.slo import Uptime
from provisioning.selectors.reliability import Day, Reliability

BAR, GAP, HEIGHT = 6, 3, 34  # pixels of the drawing
UNKNOWN: Final = "Not known"
LITTLE: Final = 0.25  # of a budget


@dataclass(frozen=True)
class Bar:
    """A day in the drawing. `tone` is good, warn, bad or none; `says` is for whoever points at it or listens."""

    x: int
    tone: str
    says: str


@dataclass(frozen=True)
class UptimeView:
    """All that a page says of it."""

    bars: Sequence[Bar]
    width: int
    month: str
    month_with_maintenance: str
    before: str
    left: float | None
    left_words: str
    objective: str
    is_missed: bool

    @property
    def left_tone(self) -> str:
        return "bad" if self.left is not None and self.left < LITTLE else "good"


def view_of(found: Reliability, *, of_many: bool = False) -> UptimeView:
    """As it is shown; `of_many` says shares of a fleet, where one instance would say minutes."""
    objective = f"{settings.SLO:.1%}".replace(".0%", "%")
    return UptimeView(
        bars=[_bar(number, day, of_many=of_many) for number, day in enumerate(found.days)],
        width=len(found.days) * (BAR + GAP) - GAP,
        month=percent(found.month.share),
        month_with_maintenance=percent(found.month.share_with_maintenance),
        before=percent(found.before.share),
        left=max(0.0, min(1.0, found.left)) if found.month.watched else None,
        left_words=_left(found.left) if found.month.watched else "Nothing of this month is known yet.",
        objective=objective,
        is_missed=found.month.share is not None and found.month.share < settings.SLO,
    )


def percent(share: float | None) -> str:
    """Such as 99.95 %; rounded down, so that 100 % is never said of less."""
    if share is None:
        return UNKNOWN
    hundredths = int(share * 10_000 + 1e-9)
    return "100 %" if share >= 1 else f"{hundredths // 100}.{hundredths % 100:02d} %"


def _bar(number: int, day: Day, *, of_many: bool) -> Bar:
    when = f"{day.day:%-d %B}"
    if not day.uptime.watched:
        return Bar(number * (BAR + GAP), "none", f"{when}: nobody looked")
    said = percent(day.uptime.share) if of_many else _lost(day.uptime)
    return Bar(number * (BAR + GAP), _tone(day.uptime), f"{when}: {said}")


def _lost(uptime: Uptime) -> str:
    parts = []
    if uptime.unplanned >= 1:
        parts.append(f"down for {roughly(uptime.unplanned)}")
    if uptime.planned >= 1:
        parts.append(f"{roughly(uptime.planned)} of maintenance")
    return " and ".join(parts) or "no downtime"


def _tone(uptime: Uptime) -> str:
    share = uptime.share
    if share is None or share >= settings.SLO:
        return "good"
    return "warn" if share >= 1 - 10 * (1 - settings.SLO) else "bad"


def _left(left: float) -> str:
    if left <= 0:
        return "The error budget of this month is spent."
    return f"{left:.0%} of this month's error budget is left."
