"""What costs are counted by, and how they jump: pure functions of what things have cost day by day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median_low
from typing import Final

# Two days, so that one odd hour is no jump; two weeks before them, so that both have had weekends.
RECENT_DAYS: Final = 2
USUAL_DAYS: Final = 14
FEWEST_DAYS: Final = 7  # a week: what is younger has nothing usual yet
# Below that an invoice differs from day to day by itself: backups grow, traffic comes and goes.
MORE_THAN_PERCENT: Final = 30
# Sixty dollars a month. Nobody would look at less for one instance, and a doubled cent is no news.
MORE_THAN_NANOS: Final = 2_000_000_000
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Thing:
    """What is charged for: a SKU of a service of Google's, or an item of ours where costs are reckoned."""

    service: str
    sku: str
    description: str = field(default="", compare=False)


@dataclass(frozen=True)
class Jump:
    """Since that day it costs `after` a day where `before` was usual, in nanos."""

    since: date
    before: int
    after: int


def find_jump(costs: Mapping[date, int], *, until: date, known_since: date, accepted: int = 0) -> Jump | None:
    """Whether the last days before `until` cost much more than the days before them; a day without costs is 0.

    `known_since` is the first whole day that anything is known of. What somebody has `accepted` a day is usual.
    """
    recent = until - RECENT_DAYS * DAY
    first = max(recent - USUAL_DAYS * DAY, known_since)
    usual = [costs.get(day, 0) for day in days_between(first, recent)]
    if len(usual) < FEWEST_DAYS:
        return None
    before, after = max(median_low(usual), accepted), level(costs, until)
    if not is_dearer(after, before):
        return None
    return Jump(_since(costs, first, until, before), before, after)


def level(costs: Mapping[date, int], until: date) -> int:
    """Nanos a day in the last days before `until`, on average."""
    return sum(costs.get(day, 0) for day in days_between(until - RECENT_DAYS * DAY, until)) // RECENT_DAYS


def is_dearer(after: int, before: int) -> bool:
    """By so much that somebody should know."""
    more = after - before
    return more > MORE_THAN_NANOS and more * 100 > before * MORE_THAN_PERCENT


def days_between(since: date, until: date) -> list[date]:
    """Each day from `since` until the day before `until`."""
    return [since + number * DAY for number in range((until - since).days)]


def _since(costs: Mapping[date, int], first: date, until: date, before: int) -> date:
    """The first of the dear days in a row that the last days belong to: they are dear on average, so one of them is."""
    day = until - DAY
    while not is_dearer(costs.get(day, 0), before):
        day -= DAY
    while day > first and is_dearer(costs.get(day - DAY, 0), before):
        day -= DAY
    return day
