"""What a customer pays in a month, what their instances cost us, and what is left: pure functions of what is known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from billing.costs.sums import round_half_up
from billing.models import Currency, Interval, SubscriptionStatus
from billing.terms.money import money

# Somebody is billed for these. Whoever is tried or paused pays nothing, and whoever does not pay at all is suspended.
BILLED: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
MONTHS_A_YEAR: Final = 12
IN_A_MONTH: Final = {Interval.MONTH: MONTHS_A_YEAR, Interval.YEAR: 1}  # twelfths of what an interval comes to


@dataclass(frozen=True)
class Charged:
    """An item of a subscription. `unit_amount` (minor units) is None for what is not in our catalogue."""

    quantity: int
    unit_amount: int | None
    currency: str
    interval: str


@dataclass(frozen=True)
class Pays:
    """Minor units a month by currency, before taxes and discounts. Not `is_known`: there is more beside it."""

    monthly: Mapping[str, int] = field(default_factory=dict)
    is_known: bool = True

    @property
    def shown(self) -> str:
        amounts = [money(amount, currency) for currency, amount in sorted(self.monthly.items())]
        return " + ".join([*amounts, *([] if self.is_known else ["more"])])


@dataclass(frozen=True)
class Margin:
    """What is left of what a customer pays, in cents, and as percent of it, half rounded up."""

    cents: int
    percent: int


def pays(charged: Iterable[Charged]) -> Pays:
    """A month of all that, a year's amount in twelfths; each currency is rounded once."""
    twelfths, is_known = defaultdict[str, int](int), True
    for each in charged:
        if each.unit_amount is None:
            is_known = False
            continue
        twelfths[each.currency] += each.quantity * each.unit_amount * IN_A_MONTH[Interval(each.interval)]
    return Pays({of: round_half_up(amount, MONTHS_A_YEAR) for of, amount in twelfths.items()}, is_known)


def margin(paid: Pays, cost_cents: int | None) -> Margin | None:
    """None where there is nothing to compare: nobody pays, in another currency than dollars, or the cost is unknown."""
    dollars = paid.monthly.get(Currency.USD, 0)
    if cost_cents is None or dollars <= 0 or not paid.is_known or set(paid.monthly) != {Currency.USD.value}:
        return None
    return Margin(dollars - cost_cents, round_half_up((dollars - cost_cents) * 100, dollars))


def together(several: Iterable[Pays]) -> Pays:
    """What they come to."""
    monthly, is_known = defaultdict[str, int](int), True
    for each in several:
        is_known = is_known and each.is_known
        for currency, amount in each.monthly.items():
            monthly[currency] += amount
    return Pays(dict(monthly), is_known)
