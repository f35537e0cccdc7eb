"""Where everything lies in the drawing of an operation: stations on parallel tracks, the longest path straight through.

Pure geometry, in pixels of an SVG. The longest path is the trunk on row 0; chains of other steps get the nearest row
that is free from where they branch off to where they join again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from math import pi

from provisioning.selectors import Progress, StepView

WIDTH, NARROWEST, WIDEST = 1_176, 88, 136  # the drawing fills WIDTH as far as its columns allow
PITCH_Y = 84
MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 58, 26, 56
RADIUS = 13
ICON = 14
BEND = 26  # half of the width in which a track changes rows
LINE_LENGTH = 14  # characters of a station's name on one line
INITIALS = frozenset({"api", "dns", "gke", "iam", "ip", "nat", "psa", "sql", "tls", "vpc"})
AT_WORK = {"running", "waiting"}
GONE_BY = {"done", "skipped", "undone"}
Needs = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Station:
    """A step at its place.

    `lines` are those of its name, each with its height; `ring` is the part of a circle that its share of time fills.
    """

    step: StepView
    x: int
    y: int
    lines: tuple[tuple[str, int], ...]
    ring: str

    @property
    def is_at_work(self) -> bool:
        return self.step.status in AT_WORK

    @property
    def time_y(self) -> int:
        return self.lines[-1][1] + 14

    @property
    def icon_at(self) -> tuple[int, int]:
        return self.x - ICON // 2, self.y - ICON // 2


@dataclass(frozen=True)
class Track:
    """The way from a step to one that needs it, as an SVG path."""

    path: str
    is_done: bool
    is_longest: bool


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    stations: tuple[Station, ...]
    tracks: tuple[Track, ...]


def draw(progress: Progress) -> Drawing:
    """The drawing of an operation as it stands."""
    steps = {step.name: step for step in progress.steps}
    needs = _without_detours(steps)
    rows = _rows(steps, needs)
    top, last = min(rows.values(), default=0), max((step.column for step in steps.values()), default=0)
    pitch = max(NARROWEST, min(WIDEST, (WIDTH - 2 * MARGIN_X) // max(last, 1)))
    stations = {name: _station(step, rows[name] - top, pitch) for name, step in steps.items()}
    tracks = [_track(stations[need], stations[name], pitch) for name in steps for need in needs[name]]
    return Drawing(
        width=2 * MARGIN_X + pitch * last,
        height=MARGIN_TOP + PITCH_Y * (max(rows.values(), default=0) - top) + MARGIN_BOTTOM,
        stations=tuple(stations.values()),
        tracks=tuple(sorted(tracks, key=lambda track: (track.is_longest, track.is_done))),
    )


def _without_detours(steps: Mapping[str, StepView]) -> Needs:
    """What each step needs, less what it needs through another need anyway."""
    before: dict[str, frozenset[str]] = {}
    for name, step in sorted(steps.items(), key=lambda item: item[1].column):
        before[name] = frozenset(step.needs).union(*(before[need] for need in step.needs))
    return {
        name: tuple(need for need in step.needs if not any(need in before[other] for other in step.needs))
        for name, step in steps.items()
    }


def _rows(steps: Mapping[str, StepView], needs: Needs) -> dict[str, int]:
    rows = {name: 0 for name, step in steps.items() if step.is_on_longest_path}
    taken: dict[int, list[tuple[int, int]]] = {0: [(-1, max((s.column for s in steps.values()), default=0) + 1)]}
    reach = {name: _reach(step, steps, needs) for name, step in steps.items()}
    for chain in _chains([step for step in steps.values() if not step.is_on_longest_path], needs, reach):
        span = (chain[0].column, max(reach[step.name] for step in chain))
        row = next(row for row in _outwards() if all(_are_apart(span, other) for other in taken.get(row, [])))
        taken.setdefault(row, []).append(span)
        rows.update({step.name: row for step in chain})
    return rows


def _chains(steps: Iterable[StepView], needs: Needs, reach: Mapping[str, int]) -> list[list[StepView]]:
    """Steps that follow one another, longest chains first, so that they lie nearest to the trunk.

    Nothing continues a step whose track goes further on: that track would pass through it.
    """
    chains: dict[str, list[StepView]] = {}
    for step in sorted(steps, key=lambda step: (step.column, step.lane)):
        ends = (need for need in needs[step.name] if need in chains and reach[need] < step.column)
        end = next(ends, None)
        chains[step.name] = [*chains.pop(end), step] if end else [step]
    return sorted(chains.values(), key=lambda chain: (-len(chain), chain[0].column))


def _reach(step: StepView, steps: Mapping[str, StepView], needs: Needs) -> int:
    """The last column in which the step's row is used: its own, or the one before whoever needs it."""
    return max([step.column, *(steps[name].column - 1 for name, needed in needs.items() if step.name in needed)])


def _outwards() -> Iterable[int]:
    return (sign * distance for distance in count(1) for sign in (-1, 1))


def _are_apart(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[1] < other[0] or other[1] < one[0]


def _station(step: StepView, row: int, pitch: int) -> Station:
    around, y = 2 * pi * RADIUS, MARGIN_TOP + PITCH_Y * row
    return Station(
        step=step,
        x=MARGIN_X + pitch * step.column,
        y=y,
        lines=tuple((line, y + 32 + 14 * number) for number, line in enumerate(_lines(step.name))),
        ring=f"{around * step.share:.1f} {around:.1f}",
    )


def _lines(name: str) -> tuple[str, ...]:
    """The name on one line or two, broken where the first is full."""
    words = [word.upper() if word in INITIALS else word for word in name.split("-")]
    text = " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
    if len(text) <= LINE_LENGTH or " " not in text:
        return (text,)
    cut = max(text.rfind(" ", 0, LINE_LENGTH + 1), text.index(" "))
    return (text[:cut], text[cut + 1 :])


def _track(start: Station, end: Station, pitch: int) -> Track:
    return Track(
        path=_path(start, end, pitch),
        is_done=start.step.status in GONE_BY,
        is_longest=start.step.is_on_longest_path and end.step.is_on_longest_path,
    )


def _path(start: Station, end: Station, pitch: int) -> str:
    if start.y == end.y:
        return f"M{start.x} {start.y}H{end.x}"
    middle = end.x - pitch // 2
    before, after = middle - BEND, middle + BEND
    curve = f"C{middle + 8} {start.y} {middle - 8} {end.y} {after} {end.y}"
    return f"M{start.x} {start.y}H{before}{curve}H{end.x}"
