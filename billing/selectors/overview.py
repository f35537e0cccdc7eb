"""The fleet in the few figures of the admin's first page: those that are reckoned for every page, and those that take
so long that a beat reckons them and pages only read them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from django.core.cache import cache
from django.db.models import Count

from billing.costs.needs import SMALLEST_FOR_PRODUCTION, SMALLEST_MOST_CENTS
from billing.selectors.costs import Costs, costs_of, living, total
from billing.selectors.trials import trial_load, trial_policy, waiting_list
from billing.terms.margins import Margin
from portal.core import clock
from provisioning.models import Channel, Instance, InstanceStatus, Kind, Region, Tenancy
from provisioning.selectors.reliability import fleet_reliability

KEPT: Final = "fleet-reckoned"
SOON_SECONDS: Final = 10
COMPOSED_OF: Final = {"release": "Version", "channel": "Channel", "region": "Region", "kind": "Kind"}
LABELS: Final = {"channel": Channel, "region": Region, "kind": Kind}
KEPT_SECONDS: Final = 3_600  # where nothing is reckoned any more, old figures are not shown for new ones


@dataclass(frozen=True)
class Smallest:
    """Instances of the smallest size for production: how many, what one costs on average, how many cost too much.

    Cents a month: as Google has charged them, or as it is reckoned where it has told nothing.
    """

    size: str
    count: int
    mean_cents: int | None
    above: int
    most_cents: int = SMALLEST_MOST_CENTS


@dataclass(frozen=True)
class FleetReckoned:
    """As of `at`: this month's share of uptime (None: nobody looked), what is left of its budget, how fast that goes by
    hours of the window; cents of a month to its end, and what is paid.
    """

    at: datetime
    share: float | None
    left: float
    burns: Mapping[int, float]
    forecast_cents: int | None
    paid: str
    margin: Margin | None
    smallest: Smallest


@dataclass(frozen=True)
class Room:
    """For trials: how many run, of how many at most, and how many wait for a place."""

    running: int
    most: int
    waiting: int


@dataclass(frozen=True)
class Share:
    """How many instances have that; `value` is by what they are found."""

    title: str
    value: Any
    count: int


@dataclass(frozen=True)
class Composition:
    """How many instances that are not deleted there are, by what they have in `field`; the most frequent first."""

    title: str
    field: str
    shares: tuple[Share, ...]


def fleet_reckon() -> FleetReckoned:
    """Reckons the figures anew, and keeps them for those who read them. Eight queries, and seconds for thousands."""
    now, instances, reliability = clock.now(), living(), fleet_reliability()
    costs = costs_of(instances, now)
    whole = total(costs.values())
    found = FleetReckoned(
        at=now,
        share=reliability.month.share,
        left=reliability.left,
        burns=dict(reliability.burns),
        forecast_cents=whole.forecast,
        paid=whole.pays.shown,
        margin=whole.margin,
        smallest=_smallest(instances, costs),
    )
    cache.set(KEPT, found, KEPT_SECONDS)
    return found


def fleet_reckoned() -> FleetReckoned | None:
    """The figures as they were reckoned last; None where nobody has within the hour. No query."""
    found: FleetReckoned | None = cache.get(KEPT)
    return found


def room_for_trials() -> Room:
    """As of now, or of some seconds ago. Three queries, or none."""
    return cast("Room", cache.get_or_set("room-for-trials", _room, SOON_SECONDS))


def _room() -> Room:
    return Room(trial_load().running, trial_policy().most_running, waiting_list().count())


def compositions() -> list[Composition]:
    """By version, channel, region and kind; as of now, or of some seconds ago. One query, or none."""
    return cast("list[Composition]", cache.get_or_set("compositions", _composed, SOON_SECONDS))


def _composed() -> list[Composition]:
    there = Instance.objects.exclude(status=InstanceStatus.DELETED).order_by()
    groups = list(there.values(*COMPOSED_OF, "release__app_version").annotate(count=Count("pk")))
    return [_composition(field, title, groups) for field, title in COMPOSED_OF.items()]


def _composition(field: str, title: str, groups: Iterable[Mapping[str, Any]]) -> Composition:
    counts, names = Counter[Any](), dict[Any, str]()
    for group in groups:
        counts[group[field]] += group["count"]
        names[group[field]] = (
            group["release__app_version"] if field == "release" else str(LABELS[field](group[field]).label)
        )
    return Composition(title, field, tuple(Share(names[value], value, count) for value, count in counts.most_common()))


def _smallest(instances: Iterable[Instance], costs: Mapping[str, Costs]) -> Smallest:
    own = [
        month
        for each in instances
        if each.size_id == SMALLEST_FOR_PRODUCTION and each.tenancy == Tenancy.DEDICATED
        if each.status == InstanceStatus.RUNNING and (month := costs[each.pk].month) is not None
    ]
    mean = round(sum(own) / len(own)) if own else None
    return Smallest(SMALLEST_FOR_PRODUCTION, len(own), mean, sum(month > SMALLEST_MOST_CENTS for month in own))
