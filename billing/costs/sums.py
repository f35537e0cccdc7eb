"""What a month's needs cost by a price book. All money is whole: billionths of a dollar, and cents at the end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from billing.costs.items import ITEMS, Item
from billing.costs.needs import Need
from portal.core.errors import Invalid

NANOS_A_CENT: Final = 10_000_000


@dataclass(frozen=True)
class Line:
    """`nanos` is what this much of the item costs, in billionths of a US dollar, as are `unit_nanos` for one unit."""

    part: str
    item: Item
    amount: Decimal
    unit_nanos: int
    nanos: int

    @property
    def cents(self) -> int:
        return as_cents(self.nanos)


@dataclass(frozen=True)
class Bill:
    """What is rounded to cents is rounded once, at the end: roundings of its lines may add up to some cents more."""

    lines: tuple[Line, ...]

    @property
    def nanos(self) -> int:
        return sum(line.nanos for line in self.lines)

    @property
    def cents(self) -> int:
        return as_cents(self.nanos)

    def cents_of(self, part: str) -> int:
        return as_cents(sum(line.nanos for line in self.lines if line.part == part))


def bill(needs: Iterable[Need], book: Mapping[str, int]) -> Bill:
    """A line for each need. Raises Invalid for an item that the book has no price for."""
    return Bill(tuple(_line(need, book) for need in needs))


def as_cents(nanos: int) -> int:
    """Half a cent is rounded up."""
    return round_half_up(nanos, NANOS_A_CENT)


def round_half_up(amount: int, by: int) -> int:
    """The quotient of two whole numbers, `by` above zero; half is rounded up, towards more."""
    return (2 * amount + by) // (2 * by)


def _line(need: Need, book: Mapping[str, int]) -> Line:
    item = ITEMS[need.key]
    if item.key not in book:
        raise Invalid(f"The price book has no price for {item.title.lower()} ({item.key}).")
    nanos = (need.amount * book[item.key]).quantize(Decimal(1), ROUND_HALF_UP)
    return Line(need.part, item, need.amount, book[item.key], int(nanos))
