"""The price book is kept: as shipped, and day by day as Google's catalogue has it. Sizes are reckoned by it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from billing.clients.price_catalog import Sku, services, skus
from billing.costs import bundled
from billing.costs.items import ITEMS, Item
from billing.models import UnitPrice
from billing.selectors.prices import PriceBook, price_book, size_bill
from portal.core.audit import Actor, record
from portal.core.errors import Invalid
from provisioning.models import Region, Size


@dataclass(frozen=True)
class Synced:
    """What a sync has found: new prices, and as sentences what Google's catalogue does not say, or says twice."""

    new: tuple[UnitPrice, ...]
    problems: tuple[str, ...]


def prices_load() -> None:
    """The prices that the portal ships with are known, and sizes are reckoned. May run any number of times."""
    shipped = {"region": bundled.REGION, "effective_at": bundled.COLLECTED_AT, "source": UnitPrice.Source.BUNDLED}
    with transaction.atomic():
        rows = [UnitPrice(item=key, nanos=nanos, **shipped) for key, nanos in bundled.NANOS.items()]
        UnitPrice.objects.bulk_create(rows, ignore_conflicts=True)
        sizes_reckon()


def prices_sync(*, actor: Actor) -> Synced:
    """The price book is as Google's catalogue is now, for every region that instances may be in; sizes are reckoned.

    What Google's catalogue does not have keeps the price that it had. Raises Invalid when a whole service is missing.
    """
    found, problems, named = list[UnitPrice](), list[str](), services()
    for service, items in _by_service().items():
        if service not in named:
            raise Invalid(f"Google's catalogue has no service “{service}”.")
        for item, region, fitting in _offers(list(skus(named[service])), items):
            if len({sku.nanos for sku in fitting}) == 1:
                found.append(_row(item, region, fitting[0]))
            elif fitting:
                problems.append(f"{item.title} in {region} has several prices: {', '.join(s.id for s in fitting)}.")
            else:
                problems.append(f"{item.title} in {region} is not in Google's catalogue.")
    with transaction.atomic():
        new = _keep(found)
        sizes_reckon()
        if new:
            _record(new, actor)
    return Synced(tuple(new), tuple(problems))


def sizes_reckon() -> None:
    """Every size has the list price of its infrastructure by the price book, where that knows all of its parts."""
    book = price_book()
    for size in Size.objects.all():
        _reckon(size, book)


def size_saved(instance: Size, **_signal: Any) -> None:
    """A size that has been added or changed is reckoned at once. Receives Django's post_save."""
    _reckon(instance, price_book())


def _reckon(size: Size, book: PriceBook) -> None:
    try:
        cents = size_bill(size, book).cents
    except Invalid:
        return  # what a person entered stands: the price of a part is not known
    if cents != size.infrastructure_cents:
        Size.objects.filter(pk=size.pk).update(infrastructure_cents=cents)
        size.infrastructure_cents = cents


def _by_service() -> dict[str, list[Item]]:
    grouped = dict[str, list[Item]]()
    for item in ITEMS.values():
        if item.pattern:
            grouped.setdefault(item.service, []).append(item)
    return grouped


def _offers(on_offer: list[Sku], items: Iterable[Item]) -> Iterator[tuple[Item, str, list[Sku]]]:
    """For each item and region what fits it."""
    for item in items:
        fitting = [sku for sku in on_offer if sku.unit == item.unit and item.fits(sku.description)]
        for region in Region.values:
            yield item, region, [sku for sku in fitting if region in sku.regions or not sku.regions]


def _row(item: Item, region: str, sku: Sku) -> UnitPrice:
    return UnitPrice(
        item=item.key,
        region=region,
        nanos=sku.nanos,
        effective_at=sku.effective_at,
        source=UnitPrice.Source.CATALOG,
        sku=sku.id,
    )


def _keep(found: Iterable[UnitPrice]) -> list[UnitPrice]:
    """Those of another price than the newest known are written down, and returned."""
    newest = UnitPrice.objects.order_by("item", "region", "-effective_at").distinct("item", "region")
    known = {(row.item, row.region): row for row in newest}
    new = [row for row in found if _is_news(row, known.get((row.item, row.region)))]
    UnitPrice.objects.bulk_create(new)
    return new


def _is_news(row: UnitPrice, known: UnitPrice | None) -> bool:
    """Google's first price counts even where it is the shipped one: from then on it is known, not assumed."""
    if known is None:
        return True
    is_first = known.source == UnitPrice.Source.BUNDLED
    return row.effective_at > known.effective_at and (is_first or row.nanos != known.nanos)


def _record(new: list[UnitPrice], actor: Actor) -> None:
    details = {f"{row.item} in {row.region}": row.nanos for row in new}
    record("prices.change", "price book", actor=actor, details={"nanos": details})
