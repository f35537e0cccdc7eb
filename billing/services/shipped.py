"""What the portal ships with is in the database: what admins have changed since stays."""

from typing import Any

from django.db import transaction

from billing.catalogue.shipped import FEATURES, MONTHLY_CENTS, MONTHS_A_YEAR_IS_PAID_FOR, PLANS
from billing.models import Currency, Feature, Interval, Plan, Price, Status
from billing.services.prices import prices_load
from provisioning.fleet.features import PARTS, why_not_made
from provisioning.models import Size


def catalogue_was_loaded(**_signal: Any) -> None:
    """Receives provisioning's signal of that name: sizes are there."""
    prices_load()
    plans_load()


@transaction.atomic
def plans_load() -> None:
    """Every plan and feature of ours that is not known yet stands with its prices, and is offered if it can be made."""
    sizes = Size.objects.in_bulk()
    new_plans = [_plan(position, row) for position, row in enumerate(PLANS, start=1)]
    for position, row in enumerate(FEATURES, start=1):
        _feature(position, row, sizes)
    for plan, row in zip(new_plans, PLANS, strict=True):
        if plan:
            plan.sizes.set(row["sizes"])
            plan.features.set(row.get("features", ()))


def _plan(position: int, row: dict[str, Any]) -> Plan | None:
    fields = {key: row[key] for key in ("title", "description", "minimum_seats", "uptime_promise", "credit_percent")}
    plan, is_new = Plan.objects.get_or_create(
        name=row["name"], defaults={**fields, "position": position, "status": Status.OFFERED}
    )
    if not is_new:
        return None
    _price(plan.name, plan=plan)
    return plan


def _feature(position: int, row: dict[str, Any], sizes: dict[str, Size]) -> None:
    fields = {key: value for key, value in row.items() if key not in {"name", "plans", "smallest_size"}}
    smallest = sizes[row["smallest_size"]] if "smallest_size" in row else None
    feature, is_new = Feature.objects.get_or_create(
        name=row["name"],
        defaults={**fields, "position": position, "status": _status(row), "smallest_size": smallest},
    )
    if is_new:
        feature.plans.set(row.get("plans", ()))
        _price(feature.name, feature=feature)


def _status(row: dict[str, Any]) -> Status:
    parts = row.get("parts", ())
    return Status.OFFERED if PARTS.issuperset(parts) and not why_not_made(parts) else Status.DRAFT


def _price(name: str, **owner: Any) -> None:
    for interval, times in ((Interval.MONTH, 1), (Interval.YEAR, MONTHS_A_YEAR_IS_PAID_FOR)):
        Price.objects.create(
            lookup_key=f"{name}-{interval}-{Currency.USD}-1",
            interval=interval,
            currency=Currency.USD,
            unit_amount=MONTHLY_CENTS[name] * times,
            **owner,
        )
