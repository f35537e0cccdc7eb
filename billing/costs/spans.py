"""What an instance has cost in a span of time, by what it was then and by a price book.

A month of the price book has 730 hours. Costs are summed as billionths of a dollar times microseconds, which are whole
numbers, and divided once at the end: so the pieces of a month add up to the month.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from billing.costs.history import State, Stretch
from billing.costs.needs import HOURS_A_MONTH, month_of
from billing.costs.series import Thing
from billing.costs.sums import Bill, as_cents, bill, round_half_up

MICROSECOND: Final = timedelta(microseconds=1)
MICROSECONDS_A_MONTH: Final = timedelta(hours=HOURS_A_MONTH) // MICROSECOND


class Rates:
    """What instances cost in a month by a price book; each state's bill is made once."""

    def __init__(self, book: Mapping[str, int]) -> None:
        self._book = book
        self._bills = dict[State, Bill]()

    def bill(self, state: State) -> Bill:
        """Raises Invalid for what the book does not know, or whose parts nobody knows."""
        if state not in self._bills:
            needs = month_of(
                state.size,
                is_suspended=state.is_suspended,
                executors=state.executors,
                has_standby=state.has_standby,
            )
            self._bills[state] = bill(needs, self._book)
        return self._bills[state]


@dataclass(frozen=True)
class Reckoned:
    """Cents: of this month until now, to its end if all stays as it stands, and of a whole month as it stands."""

    to_date: int = 0
    forecast: int = 0
    month: int = 0


def reckoned(life: Sequence[Stretch], rates: Rates, now: datetime) -> Reckoned:
    """Raises Invalid as Rates does."""
    since, until = month_around(now)
    current = state_at(life, now)
    return Reckoned(
        to_date=as_cents(as_nanos(used(life, rates, since, now))),
        forecast=as_cents(as_nanos(used(life, rates, since, until))),
        month=rates.bill(current).cents if current else 0,
    )


def used(life: Iterable[Stretch], rates: Rates, since: datetime, until: datetime) -> int:
    """What the instance has cost from `since` until just before `until`, in nanos times microseconds."""
    overlaps = ((stretch, _overlap(stretch, since, until)) for stretch in life)
    return sum(rates.bill(stretch.state).nanos * microseconds for stretch, microseconds in overlaps if microseconds)


def as_nanos(amount: int) -> int:
    """Billionths of a dollar of what `used` answers."""
    return round_half_up(amount, MICROSECONDS_A_MONTH)


def costs_by_day(life: Iterable[Stretch], rates: Rates, days: Sequence[date]) -> dict[Thing, dict[date, int]]:
    """Nanos of each thing that an instance consumes, on each of those days (UTC) on which it does."""
    amounts = defaultdict[Thing, dict[date, int]](dict)
    for stretch in life:
        for day in days:
            if microseconds := _overlap(stretch, midnight(day), midnight(day + timedelta(days=1))):
                for line in rates.bill(stretch.state).lines:
                    of_thing = amounts[Thing(line.item.service, line.item.key, line.item.title)]
                    of_thing[day] = of_thing.get(day, 0) + line.nanos * microseconds
    return {thing: {day: as_nanos(amount) for day, amount in found.items()} for thing, found in amounts.items()}


def state_at(life: Iterable[Stretch], moment: datetime) -> State | None:
    """How the instance was; None before it was ready, and once it is gone."""
    return next(
        (each.state for each in life if each.since <= moment and not (each.until and each.until <= moment)), None
    )


def month_around(moment: datetime) -> tuple[datetime, datetime]:
    """The beginning of that month in UTC, and of the next."""
    first = moment.astimezone(UTC).date().replace(day=1)
    return midnight(first), midnight((first + timedelta(days=31)).replace(day=1))


def midnight(day: date) -> datetime:
    """When that day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def _overlap(stretch: Stretch, since: datetime, until: datetime) -> int:
    """In microseconds."""
    end = min(until, stretch.until) if stretch.until else until
    return max(timedelta(0), end - max(since, stretch.since)) // MICROSECOND
