"""Prices as they are at a moment, and what sizes cost by them."""

from dataclasses import dataclass
from datetime import datetime

from billing.costs.needs import month_of
from billing.costs.sums import Bill, bill
from billing.models import UnitPrice
from portal.core import clock
from provisioning.models import Region, Size, StandbyRegion
from provisioning.spec import SizeSpec

HOME = Region.US_CENTRAL


@dataclass(frozen=True)
class PriceBook:
    """Billionths of a US dollar by item. `borrowed` are the items whose price is that of the home region."""

    region: str
    nanos: dict[str, int]
    borrowed: frozenset[str]


def price_book(region: str = HOME, at: datetime | None = None) -> PriceBook:
    """The prices of a region at that moment (now), and where it has none, those of us-central1. One query."""
    return _books({region}, at or clock.now())[region]


def price_books() -> dict[str, PriceBook]:
    """That of each region, as they are now. One query."""
    return _books({*Region.values, *StandbyRegion.values}, clock.now())


def size_bill(size: Size, book: PriceBook) -> Bill:
    """What an instance of the size costs in a month. Raises Invalid where the book does not know all of its parts."""
    return bill(month_of(SizeSpec.of(size)), book.nanos)


def _books(regions: set[str], at: datetime) -> dict[str, PriceBook]:
    rows = UnitPrice.objects.filter(region__in={*regions, HOME}, effective_at__lte=at)
    nanos: dict[str, dict[str, int]] = {region: {} for region in {*regions, HOME}}
    for row in rows.order_by("item", "region", "-effective_at").distinct("item", "region"):
        nanos[row.region][row.item] = row.nanos
    home = nanos[HOME]
    return {of: PriceBook(of, home | nanos[of], frozenset(home.keys() - nanos[of].keys())) for of in regions}
