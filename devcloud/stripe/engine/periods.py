"""Where billing periods end: whole intervals, counted from an anchor."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = 24 * 3600
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}

Recurring = Mapping[str, Any]


def boundary(anchor: int, recurring: Recurring, number: int) -> int:
    """So many intervals after the anchor. In a month without the anchor's day it is the last one of the month."""
    start = datetime.fromtimestamp(anchor, UTC)
    interval, count = recurring["interval"], recurring["interval_count"] * number
    if interval in _DAYS:
        return int((start + timedelta(days=_DAYS[interval] * count)).timestamp())
    year, month = divmod(start.year * 12 + start.month - 1 + _MONTHS[interval] * count, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def next_boundary(anchor: int, recurring: Recurring, at: int) -> int:
    """The first end of an interval after that time; an anchor in the future is one."""
    number = max(0, (at - anchor) // _longest(recurring))
    while (found := boundary(anchor, recurring, number)) <= at:
        number += 1
    return found


def shortest(recurrings: list[Recurring]) -> Recurring:
    """The one that comes round most often."""
    return min(recurrings, key=_longest)


def same_rhythm(one: Recurring, other: Recurring) -> bool:
    return all(one[name] == other[name] for name in ("interval", "interval_count"))


def day(at: int) -> str:
    """For people: 15 Jan 2026."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%b %Y}"


def _longest(recurring: Recurring) -> int:
    """More seconds than any such interval has."""
    interval, count = recurring["interval"], recurring["interval_count"]
    days = _DAYS[interval] if interval in _DAYS else 31 * _MONTHS[interval]
    return int(days * count * DAY)
