"""Which features customers are entitled to, have opted in to and use: numbers alone, of instances that are built.

Used is what an instance's own count says (decision 15), and so known of what has a figure among those: COUNTED. Of
all else it is not known whether it is used, and nothing is guessed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from billing.models import Feature, OptIn, Status
from billing.selectors.entitlements import entitlements_by_instance
from billing.selectors.subscriptions import paid_for
from provisioning.fleet.customers import of_customers
from provisioning.models import BUILT, Channel, Instance, Kind, Usage

# By feature the figure that says whether it is used: more than none.
COUNTED: Final[Mapping[str, str]] = {"batch-changes": "batch_changes"}
FRESH: Final = timedelta(days=7)  # a count that is older says nothing of now
TRIAL, NO_PLAN = "trial", "none"


@dataclass(frozen=True)
class Chosen:
    """Of which instances it is told; "" is any. `cohort` is the month of their start, such as 2026-11."""

    channel: str = ""
    cohort: str = ""
    plan: str = ""


@dataclass(frozen=True)
class Adopted:
    """Of a feature, in instances: how many are entitled, how many of these have opted in; of those `told` how many have
    counted lately, and `used` how many of them use it. Both None: it has no figure.
    """

    name: str
    title: str
    entitled: int
    opted_in: int
    told: int | None
    used: int | None

    @property
    def opted_in_share(self) -> float | None:
        """From 0 to 1, of those that are entitled; None where nobody is."""
        return self.opted_in / self.entitled if self.entitled else None

    @property
    def used_share(self) -> float | None:
        """From 0 to 1, of those that have opted in and counted; None where there are none, or nobody can know."""
        return self.used / self.told if self.told and self.used is not None else None


@dataclass(frozen=True)
class Cohort:
    """Instances that began in a month, and their features, all together: how many are entitled, and opted in."""

    month: str
    instances: int
    entitled: int
    opted_in: int


@dataclass(frozen=True)
class Adoption:
    """`channels`, `cohorts` and `plans` can be chosen from; `by_cohort` is of all months, whichever is chosen."""

    instances: int
    features: Sequence[Adopted]
    by_cohort: Sequence[Cohort]
    channels: Sequence[str]
    cohorts: Sequence[str]
    plans: Sequence[str]


@dataclass(frozen=True)
class _Known:
    """An instance as far as it matters here: sets are of features' names."""

    channel: str
    cohort: str
    plan: str
    entitled: frozenset[str]
    opted_in: frozenset[str]
    figures: Mapping[str, int] | None

    def is_of(self, chosen: Chosen) -> bool:
        pairs = ((chosen.channel, self.channel), (chosen.cohort, self.cohort), (chosen.plan, self.plan))
        return all(wanted in {"", own} for wanted, own in pairs)


def adoption(chosen: Chosen, now: datetime) -> Adoption:
    """As of now. Eleven queries, however many instances there are."""
    everyone = _everyone(now)
    some = [each for each in everyone if each.is_of(chosen)]
    any_month = [each for each in everyone if each.is_of(Chosen(channel=chosen.channel, plan=chosen.plan))]
    shipped = Feature.objects.exclude(status=Status.DRAFT)
    plans = {each.plan for each in everyone}
    return Adoption(
        instances=len(some),
        features=[_adopted(feature, some) for feature in shipped],
        by_cohort=_by_cohort(any_month),
        channels=[str(channel) for channel in Channel if channel in {each.channel for each in everyone}],
        cohorts=sorted({each.cohort for each in everyone}),
        plans=sorted(plans, key=lambda plan: (plan in {TRIAL, NO_PLAN}, plan)),
    )


def _everyone(now: datetime) -> list[_Known]:
    instances = list(Instance.objects.filter(of_customers(), status__in=BUILT))
    entitled = entitlements_by_instance(instances, now)
    opted_in = _opted_in(instances)
    figures = _figures(instances, now)
    return [
        _Known(
            channel=instance.channel,
            cohort=f"{instance.ready_at or instance.created_at:%Y-%m}",
            plan=_plan_of(instance),
            entitled=frozenset(entitled[instance.pk]),
            opted_in=opted_in.get(instance.pk, frozenset()) & frozenset(entitled[instance.pk]),
            figures=figures.get(instance.pk),
        )
        for instance in instances
    ]


def _plan_of(instance: Instance) -> str:
    """Its subscriptions are at hand."""
    subscription = paid_for(instance.subscriptions.all())
    items = subscription.items.all() if subscription else ()
    plan = next((item.price.plan_id for item in items if item.price and item.price.plan_id), "")
    return plan or (TRIAL if instance.kind == Kind.TRIAL else NO_PLAN)


def _opted_in(instances: Iterable[Instance]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for instance, feature in OptIn.objects.filter(instance__in=instances).values_list("instance_id", "feature_id"):
        found.setdefault(instance, set()).add(feature)
    return {instance: frozenset(features) for instance, features in found.items()}


def _figures(instances: Iterable[Instance], now: datetime) -> dict[str, Mapping[str, int]]:
    """What each has counted last, of late."""
    lately = Usage.objects.filter(instance__in=instances, day__gt=now.date() - FRESH)
    newest = lately.order_by("instance_id", "-day").distinct("instance_id")
    return dict(newest.values_list("instance_id", "figures"))


def _adopted(feature: Feature, some: Iterable[_Known]) -> Adopted:
    entitled = [each for each in some if feature.pk in each.entitled]
    opted_in = [each for each in entitled if feature.pk in each.opted_in]
    figure = COUNTED.get(feature.pk)
    counts = [each.figures[figure] for each in opted_in if figure and each.figures and figure in each.figures]
    told, used = (len(counts), sum(count > 0 for count in counts)) if figure else (None, None)
    return Adopted(feature.pk, feature.title, len(entitled), len(opted_in), told, used)


def _by_cohort(some: Iterable[_Known]) -> list[Cohort]:
    instances, entitled, opted_in = Counter[str](), Counter[str](), Counter[str]()
    for each in some:
        instances[each.cohort] += 1
        entitled[each.cohort] += len(each.entitled)
        opted_in[each.cohort] += len(each.opted_in)
    return [Cohort(month, instances[month], entitled[month], opted_in[month]) for month in sorted(instances)]
