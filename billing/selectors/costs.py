"""What instances cost, reckoned and real, what their customers pay for them, and what has jumped."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Max, Min, Q, Sum

from billing.costs.history import Stretch
from billing.costs.series import DAY
from billing.costs.spans import Rates, Reckoned, reckoned
from billing.costs.sums import as_cents
from billing.models import CostJump, CostLine, SubscriptionItem
from billing.selectors.lives import lives_of, rates_by_region
from billing.terms.margins import BILLED, Charged, Margin, Pays, margin, pays, together
from portal.core.errors import Invalid
from portal.core.models import Organization
from provisioning.models import Instance, InstanceStatus

FULL_DAYS: Final = 30
# An export that has said nothing for longer is no measure of a month.
FRESH: Final = 3 * DAY


@dataclass(frozen=True)
class Real:
    """Cents, as Google has charged them: this month; and in the last 30 full days, where all of those are known."""

    to_date: int | None = None
    month: int | None = None


@dataclass(frozen=True)
class Costs:
    """Of an instance, or of several. `reckoned` is None where the price of a part is not known."""

    reckoned: Reckoned | None
    real: Real
    pays: Pays
    jumps: int

    @property
    def to_date(self) -> int | None:
        """Cents of this month until now, reckoned."""
        return self.reckoned.to_date if self.reckoned else None

    @property
    def forecast(self) -> int | None:
        """Cents of this month to its end, reckoned."""
        return self.reckoned.forecast if self.reckoned else None

    @property
    def month(self) -> int | None:
        """Cents a month: real where they are known, else reckoned as it stands."""
        if self.real.month is not None:
            return self.real.month
        return self.reckoned.month if self.reckoned else None

    @property
    def margin(self) -> Margin | None:
        return margin(self.pays, self.month)


@dataclass(frozen=True)
class SkuCost:
    """What a SKU has cost an instance in the last 30 days, dearest first."""

    service: str
    sku: str
    description: str
    currency: str
    nanos: int
    first: date
    last: date


def costs_of(instances: Sequence[Instance], now: datetime) -> dict[str, Costs]:
    """By id. Five queries, however many; the instances have their sizes at hand."""
    lives, rates = lives_of(instances), rates_by_region()
    real, paid, jumps = _real(instances, now.date()), _paid(instances), _open_jumps(instances)
    return {
        instance.pk: Costs(
            _reckoned(lives.get(instance.pk, ()), rates[instance.region], now),
            real.get(instance.pk, Real()),
            paid.get(instance.pk, Pays()),
            jumps[instance.pk],
        )
        for instance in instances
    }


def living() -> list[Instance]:
    """All instances of customers that are not deleted, each with its size at hand. One query."""
    customers = Instance.objects.filter(organization__is_synthetic=False)
    return list(customers.exclude(status=InstanceStatus.DELETED).select_related("size"))


def customer_costs(organization: Organization, now: datetime) -> Costs:
    """Of all instances of the organization's that live. What it pays for none of them is not in it."""
    own = Instance.objects.filter(organization=organization).exclude(status=InstanceStatus.DELETED)
    return total(costs_of(list(own.select_related("size")), now).values())


def total(several: Iterable[Costs]) -> Costs:
    """What they come to. What nobody knows of one of them counts as nothing in sums of the month to date.

    A sum of months mixes real ones with reckoned ones, as each instance has it.
    """
    found = list(several)
    sums = [each.reckoned for each in found if each.reckoned]
    months = [each.month for each in found]
    known = [month for month in months if month is not None]
    to_date = [each.real.to_date for each in found if each.real.to_date is not None]
    return Costs(
        Reckoned(*(sum(getattr(each, name) for each in sums) for name in ("to_date", "forecast", "month"))),
        Real(sum(to_date) if to_date else None, sum(known) if len(known) == len(months) else None),
        together(each.pays for each in found),
        sum(each.jumps for each in found),
    )


def lines_by_sku(instance: Instance, today: date) -> list[SkuCost]:
    """The last 30 full days. One query."""
    lines = CostLine.objects.filter(instance=instance, day__gte=today - FULL_DAYS * DAY, day__lt=today).order_by()
    sums = lines.values("service", "sku", "currency").annotate(
        description=Max("description"), nanos=Sum("nanos"), first=Min("day"), last=Max("day")
    )
    return [SkuCost(**row) for row in sums.order_by("-nanos", "service", "sku")]


def _reckoned(life: tuple[Stretch, ...], rates: Rates, now: datetime) -> Reckoned | None:
    try:
        return reckoned(life, rates, now)
    except Invalid:
        return None


def _real(instances: Sequence[Instance], today: date) -> dict[str, Real]:
    since = today - FULL_DAYS * DAY
    lines = CostLine.objects.filter(instance__in=instances, currency="USD", day__gte=since).order_by()
    found = lines.values("instance_id").annotate(
        first=Min("day"),
        last=Max("day"),
        to_date=Sum("nanos", filter=Q(day__gte=today.replace(day=1))),
        month=Sum("nanos", filter=Q(day__lt=today)),
    )
    return {row["instance_id"]: _cents(row, since, today) for row in found}


def _cents(row: Mapping[str, Any], since: date, today: date) -> Real:
    is_whole = row["first"] == since and row["last"] >= today - FRESH and row["month"] is not None
    to_date = None if row["to_date"] is None else as_cents(row["to_date"])
    return Real(to_date, as_cents(row["month"]) if is_whole else None)


def _paid(instances: Sequence[Instance]) -> dict[str, Pays]:
    items = SubscriptionItem.objects.filter(subscription__instance__in=instances, subscription__status__in=BILLED)
    charged = defaultdict[str, list[Charged]](list)
    for item in items.select_related("subscription", "price"):
        bought, amount = item.subscription, item.price.unit_amount if item.price else None
        charged[str(bought.instance_id)].append(Charged(item.quantity, amount, bought.currency, bought.interval))
    return {whose: pays(items) for whose, items in charged.items()}


def _open_jumps(instances: Sequence[Instance]) -> Counter[str]:
    jumps = CostJump.objects.filter(instance__in=instances, settled_at=None)
    return Counter(jumps.values_list("instance_id", flat=True))
