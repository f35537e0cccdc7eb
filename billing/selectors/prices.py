"""Prices as they are at a moment, and what sizes cost by them."""

from dataclasses import dataclass
from datetime import datetime

from billing.costs.needs import month_of
from billing.costs.sums import Bill, bill
from billing.models import UnitPrice
from portal.core import clock
from provisioning.models import Region, Size
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
    rows = UnitPrice.objects.filter(region__in={region, HOME}, effective_at__lte=at or clock.now())
    newest = rows.order_by("item", "region", "-effective_at").distinct("item", "region")
    home, own = dict[str, int](), dict[str, int]()
    for row in newest:
        (own if row.region == region else home)[row.item] = row.nanos
    return PriceBook(region, home | own, frozenset(home.keys() - own.keys()))


def size_bill(size: Size, book: PriceBook) -> Bill:
    """What an instance of the size costs in a month. Raises Invalid where the book does not know all of its parts."""
    return bill(month_of(SizeSpec.of(size)), book.nanos)
