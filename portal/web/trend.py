"""A small plot of one figure over thirty days. Pure geometry, in pixels of an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

WIDTH, HEIGHT, EDGE = 600, 72, 4
DAYS: Final = 30


@dataclass(frozen=True)
class Trend:
    """`line` and `area` are SVG paths; `limit_y` is where the limit lies, None without one; `end` is the last point.

    `label` says in words what is seen.
    """

    line: str
    area: str
    limit_y: float | None
    end: tuple[float, float]
    label: str
    width: int = WIDTH
    height: int = HEIGHT


def draw_trend(title: str, counts: Sequence[tuple[date, int]], today: date, limit: int | None = None) -> Trend | None:
    """The counts of the last thirty days, the oldest first; None where two days at least are wanting for a line."""
    shown = [(day, count) for day, count in counts if 0 <= (today - day).days < DAYS]
    if len(shown) < 2:
        return None
    top = max(1, limit or 0, *(count for _, count in shown))
    points = [(_x(day, today), _y(count, top)) for day, count in shown]
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    return Trend(
        line=line,
        area=f"{line}V{HEIGHT}H{points[0][0]:g}Z",
        limit_y=None if limit is None else _y(limit, top),
        end=points[-1],
        label=_in_words(title, [count for _, count in shown], limit),
    )


def _x(day: date, today: date) -> float:
    return round(EDGE + (WIDTH - 2 * EDGE) * (DAYS - 1 - (today - day).days) / (DAYS - 1), 1)


def _y(count: int, top: int) -> float:
    return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * count / top, 1)


def _in_words(title: str, counts: Sequence[int], limit: int | None) -> str:
    paid = "" if limit is None else f", of {limit:,} that are paid for"
    span = f"from {min(counts):,} to {max(counts):,}"
    return f"{title} in the last 30 days: {span}, now {counts[-1]:,}{paid}."
