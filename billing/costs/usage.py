"""What Google has charged for, as an export of Cloud Billing tells it; how amounts and days are read from it.

Schema: docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage (December 2026).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from portal.core.errors import Invalid

NANOS_A_UNIT: Final = 1_000_000_000
# Taxes belong to the invoice, to no project; prices that customers pay are without them, too.
LEFT_OUT: Final = "tax"
INSTANCE_LABEL: Final = "instance"  # what our steps label everything with (provisioning.spec)


@dataclass(frozen=True)
class Usage:
    """So many billionths of the currency for a SKU on a day (UTC), credits taken off. Below zero: more was given back.

    `project` is empty for what belongs to no project; `labels` are the ids of instances that labels name, in the order
    in which they count.
    """

    day: date
    project: str
    labels: tuple[str, ...]
    service: str
    sku: str
    description: str
    currency: str
    nanos: int


def as_nanos(amount: str | int | Decimal) -> int:
    """Billionths, half away from zero, as BigQuery's NUMERIC has them. Raises Invalid for what is no number."""
    try:
        exact = Decimal(amount)
        return int((exact * NANOS_A_UNIT).quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, TypeError, ValueError):
        raise Invalid(f"“{amount}” is no amount of money.") from None


def summed(usages: Iterable[Usage]) -> list[Usage]:
    """One for each day, SKU and whom it is charged to."""
    amounts = defaultdict[Usage, int](int)
    for usage in usages:
        amounts[replace(usage, nanos=0)] += usage.nanos
    return [replace(usage, nanos=nanos) for usage, nanos in amounts.items()]
