"""Small plots: what was lost of each day, and a figure of each day. Pure geometry, in pixels of an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.conf import settings

from provisioning.health.slo import Uptime
from provisioning.models import Usage
from provisioning.selectors.reliability import Day

BAR, GAP, HEIGHT = 8, 3, 72
FLOOR: Final = 0.99  # the lower edge of what is lost: what is worse reaches down to it
NOT_KNOWN: Final = "not known"


@dataclass(frozen=True)
class Bar:
    """A day, or a run of something: `says` it in words."""

    x: int
    y: int
    height: int
    tone: str
    says: str


@dataclass(frozen=True)
class Plot:
    """`note` says what its edges are; `label` all of it in a sentence."""

    bars: Sequence[Bar]
    width: int
    label: str
    note: str
    kind: str = "lost"
    height: int = HEIGHT


def lost_by_day(days: Sequence[Day]) -> Plot:
    """From the top down, the further the worse."""
    bars = [_lost(number, day.day, day.uptime) for number, day in enumerate(days)]
    note = f"{len(days)} days ago to today. The lower edge is {FLOOR:.0%}. On grey days nobody was watched."
    return Plot(bars, _width(len(days)), f"What was lost on each of the last {len(days)} days", note)


def count_by_day(title: str, usages: Sequence[Usage], figure: str, today: date, days: int) -> Plot:
    """A figure that instances count themselves, from the bottom up; grey where it was not counted."""
    counts = {usage.day: usage.figure(figure) for usage in usages}
    shown = [today - timedelta(days=ago) for ago in reversed(range(days))]
    top = max([1, *(counts.get(day) or 0 for day in shown)])
    bars = [_counted(number, day, counts.get(day), top) for number, day in enumerate(shown)]
    return Plot(bars, _width(days), f"{title} on each of the last {days} days", f"The upper edge is {top:,}.", "count")


def percent(share: float | None) -> str:
    """Rounded down, so that 100 % is never said of less."""
    return NOT_KNOWN if share is None else f"{int(share * 100_000 + 1e-9) / 1_000:.3f} %"


def _lost(number: int, day: date, uptime: Uptime) -> Bar:
    x, share = number * (BAR + GAP), uptime.share
    if share is None:
        return Bar(x, 0, HEIGHT, "none", f"{day:%-d %B}: {NOT_KNOWN}")
    lost = min(1.0, (1 - share) / (1 - FLOOR))
    tone = "good" if share >= settings.SLO else "bad"
    return Bar(x, 0, max(2, round(lost * HEIGHT)), tone, f"{day:%-d %B}: {percent(share)}")


def _counted(number: int, day: date, count: int | None, top: int) -> Bar:
    x = number * (BAR + GAP)
    if count is None:
        return Bar(x, 0, HEIGHT, "none", f"{day:%-d %B}: {NOT_KNOWN}")
    height = max(2, round(HEIGHT * count / top))
    return Bar(x, HEIGHT - height, height, "count", f"{day:%-d %B}: {count:,}")


def _width(bars: int) -> int:
    return bars * (BAR + GAP) - GAP
