"""What is sold is offered, retired, and gets prices. A price never changes: another one takes its place."""

from dataclasses import dataclass
from typing import Final

from django.db import models, transaction

from billing.models import Currency, Feature, Interval, Plan, Price, Status
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.features import check_feature

Sold = Plan | Feature
LARGEST: Final = 99_999_999  # Stripe takes no larger amount


@dataclass(frozen=True)
class Terms:
    """What a price is for: so often, in this currency."""

    interval: Interval
    currency: Currency = Currency.USD


def price_set(*, sold: Sold, terms: Terms, unit_amount: int, actor: Actor, reason: str) -> Price:
    """From now on it is sold at that price (minor units); who has subscribed keeps the former one.

    Raises Invalid for an amount that Stripe would not take, Conflict when that is the price already.
    """
    if not 0 < unit_amount <= LARGEST:
        raise Invalid(f"An amount is from 1 to {LARGEST:,}, in minor units.", field="unit_amount")
    with transaction.atomic():
        type(sold).objects.select_for_update().get(pk=sold.pk)
        former = _prices(sold).filter(interval=terms.interval, currency=terms.currency)
        current = former.filter(retired_at__isnull=True).first()
        if current and current.unit_amount == unit_amount:
            raise Conflict(f"{sold} has that price already.")
        if current:
            _retire(current)
        price = Price.objects.create(
            lookup_key=f"{sold.pk}-{terms.interval}-{terms.currency}-{former.count() + 1}",
            interval=terms.interval,
            currency=terms.currency,
            unit_amount=unit_amount,
            **_owner(sold),
        )
        details = {
            "lookup_key": price.pk,
            "unit_amount": unit_amount,
            "before": current.unit_amount if current else None,
        }
        record("price.set", sold, actor=actor, reason=reason, details=details)
    return price


def price_retire(*, price: Price, actor: Actor, reason: str) -> Price:
    """Nothing is sold at that price any more. Raises Conflict when it is retired already."""
    with transaction.atomic():
        row = Price.objects.select_for_update(of=("self",)).select_related("plan", "feature").get(pk=price.pk)
        if row.retired_at:
            raise Conflict("This price is retired already.")
        _retire(row)
        record("price.retire", row, actor=actor, reason=reason, details={"unit_amount": row.unit_amount})
    return row


def sold_offer(*, sold: Sold, actor: Actor, reason: str) -> Sold:
    """Customers can have it. Raises Conflict when they can already, Invalid while it has no price or cannot be made."""
    with transaction.atomic():
        row = type(sold).objects.select_for_update().get(pk=sold.pk)
        if row.status == Status.OFFERED:
            raise Conflict(f"{row} is offered already.")
        if not _prices(row).filter(retired_at__isnull=True).exists():
            raise Invalid(f"{row} has no price. Set one first.")
        if isinstance(row, Feature):
            check_feature(row.values, row.parts)
        return _moved(row, Status.OFFERED, actor, reason)


def sold_retire(*, sold: Sold, actor: Actor, reason: str) -> Sold:
    """It is sold to nobody any more; who has it keeps it. Raises Conflict when it is retired already."""
    with transaction.atomic():
        row = type(sold).objects.select_for_update().get(pk=sold.pk)
        if row.status == Status.RETIRED:
            raise Conflict(f"{row} is retired already.")
        return _moved(row, Status.RETIRED, actor, reason)


def _moved(row: Sold, status: Status, actor: Actor, reason: str) -> Sold:
    before, row.status = row.status, status
    row.save(update_fields=["status"])
    name = type(row).__name__.lower()
    record(f"{name}.{status}", row, actor=actor, reason=reason, details={"from": before, "to": status})
    return row


def _retire(price: Price) -> None:
    price.retired_at = clock.now()
    price.save(update_fields=["retired_at"])


def _prices(sold: Sold) -> models.QuerySet[Price]:
    return Price.objects.filter(**_owner(sold))


def _owner(sold: Sold) -> dict[str, Sold]:
    return {"plan": sold} if isinstance(sold, Plan) else {"feature": sold}
