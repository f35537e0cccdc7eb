"""What each thing costs an instance day by day: as Google has charged it, or reckoned where there is no export."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.db.models import Max, Min

from billing.costs.history import Stretch
from billing.costs.series import DAY, RECENT_DAYS, USUAL_DAYS, Thing, days_between
from billing.costs.spans import Rates, costs_by_day
from billing.models import CostLine
from billing.selectors.lives import lives_of, rates_by_region
from portal.core.errors import Invalid
from provisioning.models import Instance

# What Google tells of a day goes on arriving for a day: it would look cheaper than it was.
LATE_BY: Final = DAY
WINDOW: Final = (RECENT_DAYS + USUAL_DAYS) * DAY


@dataclass
class Series:
    """Nanos (US dollars) by thing and day, to be judged up to the day before `until`; known from `known_since` on."""

    until: date
    known_since: date
    costs: dict[Thing, dict[date, int]] = field(default_factory=dict)


def series_of(instances: Iterable[Instance], now: datetime) -> Iterator[tuple[Instance, Series]]:
    """Of each that costs something. Five queries; the instances have their sizes at hand."""
    everyone, today = list(instances), now.date()
    charged, lives, rates = _charged(today), lives_of(everyone), rates_by_region()
    for instance in everyone:
        if series := charged.get(instance.pk) or _reckoned(lives.get(instance.pk, ()), rates[instance.region], today):
            yield instance, series


def _charged(today: date) -> dict[str, Series]:
    """By instance, for those that the export tells of. The newest day that it tells of may not be complete."""
    lines = CostLine.objects.filter(currency="USD")
    newest = lines.aggregate(day=Max("day"))["day"]
    if newest is None:
        return {}
    until = min(today - LATE_BY, newest)
    within = lines.filter(day__gte=until - WINDOW, day__lt=until)
    firsts = dict(lines.values_list("instance").annotate(Min("day")).order_by())
    found = dict[str, Series]()
    for whose, day, service, sku, description, nanos in within.order_by("day").values_list(
        "instance_id", "day", "service", "sku", "description", "nanos"
    ):
        series = found.setdefault(whose, Series(until, firsts[whose] + DAY))
        _add(series, Thing(service, sku, description), day, nanos)
    return found


def _add(series: Series, thing: Thing, day: date, nanos: int) -> None:
    series.costs.setdefault(thing, defaultdict(int))[day] += nanos


def _reckoned(life: tuple[Stretch, ...], rates: Rates, today: date) -> Series | None:
    """None for one that costs nothing, or that nobody can reckon."""
    if not life:
        return None
    try:
        costs = costs_by_day(life, rates, days_between(today - WINDOW, today))
    except Invalid:
        return None
    return Series(today, life[0].since.date() + DAY, costs)
