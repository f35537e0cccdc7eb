"""When a CronJob is due: five fields, as Kubernetes reads them.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax, September 2026.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MACROS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {n: i for i, n in enumerate(_MONTHS, 1)},
    {n: i for i, n in enumerate(_WEEKDAYS)},
)
_FARTHEST = 5 * 366  # days; a schedule such as the 30th of February never comes


@dataclass(frozen=True)
class Schedule:
    """The values that each field allows; of days and weekdays one is enough where neither is a star."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_any_day: bool
    is_any_weekday: bool
    zone: ZoneInfo

    def after(self, moment: float) -> float | None:
        """The first time after that moment, in seconds since the epoch; None where none comes for years."""
        at = (datetime.fromtimestamp(moment, UTC) + _MINUTE).replace(second=0, microsecond=0)
        last = at + _FARTHEST * _DAY
        while at < last:
            there = at.astimezone(self.zone)
            if not self._is_day(there):
                at += timedelta(hours=23 - there.hour, minutes=60 - there.minute)
            elif there.hour in self.hours and there.minute in self.minutes:
                return at.timestamp()
            else:
                at += _MINUTE
        return None

    def due(self, since: float, until: float) -> float | None:
        """The last time after `since` and not after `until`."""
        return max(self._between(since, until), default=None)

    def _between(self, since: float, until: float) -> Iterator[float]:
        at = self.after(since)
        while at is not None and at <= until:
            yield at
            at = self.after(at)

    def _is_day(self, there: datetime) -> bool:
        if there.month not in self.months:
            return False
        day, weekday = there.day in self.days, there.isoweekday() % 7 in self.weekdays
        return day and weekday if self.is_any_day or self.is_any_weekday else day or weekday


def parse(text: str, zone: str = "") -> Schedule:
    """Raises ValueError for what is none."""
    fields = _MACROS.get(text.strip(), text).split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"expected exactly {len(_RANGES)} fields, found {len(fields)}: [{text}]")
    minutes, hours, days, months, weekdays = (
        _values(field, *_RANGES[index], _NAMES[index]) for index, field in enumerate(fields)
    )
    any_day, any_weekday = (fields[index].startswith(("*", "?")) for index in (2, 4))
    return Schedule(minutes, hours, days, months, weekdays, any_day, any_weekday, ZoneInfo(zone or "UTC"))


def _values(field: str, least: int, most: int, names: dict[str, int]) -> frozenset[int]:
    return frozenset(value for part in field.split(",") for value in _part(part, least, most, names))


def _part(part: str, least: int, most: int, names: dict[str, int]) -> range:
    span, has_step, step = part.partition("/")
    if span in {"*", "?"}:
        first, last = least, most
    else:
        begin, has_end, end = span.partition("-")
        first = _number(begin, names)
        last = _number(end, names) if has_end else most if has_step else first
    every = _number(step, {}) if has_step else 1
    if not least <= first <= last <= most or every < 1:
        raise ValueError(f"{part} is not within {least} and {most}")
    return range(first, last + 1, every)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.isdecimal():
        raise ValueError(f"failed to parse int from {text}")
    return int(text)
