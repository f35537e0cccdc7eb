"""How the pages of costs say money: figures above a list, lines of a month, margins."""

from dataclasses import dataclass
from datetime import datetime

from billing.costs.spans import state_at
from billing.costs.sums import as_cents
from billing.selectors.costs import Costs, lines_by_sku
from billing.selectors.lives import lives_of, rates_by_region
from billing.terms.margins import Margin
from billing.terms.money import money
from portal.core.admin.words import NOTHING
from portal.core.errors import Invalid
from provisioning.models import Instance


@dataclass(frozen=True)
class Figure:
    title: str
    amount: str
    note: str


@dataclass(frozen=True)
class CostRow:
    """A line of what an instance costs; `note` is its service, or the part of the instance that it is of."""

    title: str
    sku: str
    note: str
    amount: str


@dataclass(frozen=True)
class CostRows:
    """`are_real`: as Google has charged them in the last 30 days. Otherwise as a month is reckoned."""

    are_real: bool
    rows: tuple[CostRow, ...]


def dollars_or_nothing(cents: int | None) -> str:
    return NOTHING if cents is None else money(cents, "usd")


def percent(margin: Margin | None) -> str:
    """Such as 57 %."""
    return f"{margin.percent} %".replace("-", "\N{MINUS SIGN}") if margin else NOTHING


def figures_of(costs: Costs) -> list[Figure]:
    """What several instances come to."""
    return [
        Figure("Reckoned this month", dollars_or_nothing(costs.to_date), "until now"),
        Figure("Forecast", dollars_or_nothing(costs.forecast), "to the month's end"),
        Figure("Charged this month", dollars_or_nothing(costs.real.to_date), "by Google, where there is an export"),
        Figure("Paid a month", costs.pays.shown or NOTHING, _margin_note(costs.margin)),
    ]


def lines_of(instance: Instance, now: datetime) -> CostRows:
    """By SKU, as Google has charged them in the last 30 days; or as a month is reckoned where it has told nothing."""
    charged = lines_by_sku(instance, now.date())
    if not charged:
        return CostRows(are_real=False, rows=_reckoned(instance, now))
    rows = (
        CostRow(each.description, each.sku, each.service, money(as_cents(each.nanos), each.currency.lower()))
        for each in charged
    )
    return CostRows(are_real=True, rows=tuple(rows))


def _margin_note(margin: Margin | None) -> str:
    return f"{percent(margin)} margin: {money(margin.cents, 'usd')}" if margin else "no margin to be reckoned"


def _reckoned(instance: Instance, now: datetime) -> tuple[CostRow, ...]:
    current = state_at(lives_of([instance]).get(instance.pk, ()), now)
    if current is None:
        return ()
    try:
        lines = rates_by_region()[instance.region].bill(current).lines
    except Invalid:
        return ()
    return tuple(CostRow(line.item.title, line.item.key, line.part, money(line.cents, "usd")) for line in lines)
