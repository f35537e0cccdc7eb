"""What is offered to an instance: plans that include its size, and the features beside them, with their prices."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Prefetch, Q

from billing.models import Charge, Currency, Feature, Interval, Plan, Price, Status, Subscription
from billing.terms.money import money
from billing.terms.offers import obstacle, unit_of
from portal.core.errors import Conflict
from provisioning.models import Instance, Tenancy

OFFERED = Q(status=Status.OFFERED)


@dataclass(frozen=True)
class PlanOffer:
    """`prices` are sentences by interval, such as “19.00 USD a seat”; `includes` the titles of its features."""

    plan: Plan
    prices: Mapping[str, str]
    includes: tuple[str, ...]


@dataclass(frozen=True)
class FeatureOffer:
    """`refusal` says why the instance cannot have it, whatever its plan; `plans` are the titles of those that may."""

    feature: Feature
    prices: Mapping[str, str]
    refusal: str
    plans: tuple[str, ...]

    @property
    def is_counted(self) -> bool:
        return self.feature.charge == Charge.UNIT


def plan_offers(instance: Instance, currency: str = Currency.USD) -> list[PlanOffer]:
    """Four queries."""
    plans = Plan.objects.filter(status=Status.OFFERED, sizes=instance.size_id).prefetch_related(
        "features", _current(currency)
    )
    return [PlanOffer(plan, _sentences(plan), _included(plan)) for plan in plans]


def feature_offers(instance: Instance, currency: str = Currency.USD, which: Q = OFFERED) -> list[FeatureOffer]:
    """Three queries."""
    features = Feature.objects.filter(which).select_related("smallest_size")
    return [_offer(feature, instance) for feature in features.prefetch_related("plans", _current(currency))]


def _included(plan: Plan) -> tuple[str, ...]:
    """What nobody can have yet is not promised."""
    return tuple(feature.title for feature in plan.features.all() if feature.status != Status.DRAFT)


def refusal_of(feature: Feature, instance: Instance, plan: Plan | None = None) -> str:
    """Why the instance cannot have the feature, by its version, size and place, and by its plan if one is named."""
    smallest = feature.smallest_size
    return obstacle(
        feature,
        plan=plan.pk if plan else "",
        plans={each.pk for each in feature.plans.all()} if plan else (),
        version=instance.release.app_version,
        architecture=instance.architecture,
        fits_size=smallest is None or smallest.position <= instance.size.position,
        is_on_google=instance.tenancy == Tenancy.DEDICATED,
    )


def price_of(sold: Plan | Feature, subscription: Subscription) -> Price:
    """At which it is sold to who pays so often and in that currency. Raises Conflict where it is not."""
    terms = {"interval": subscription.interval, "currency": subscription.currency}
    price = sold.prices.filter(retired_at__isnull=True, **terms).first()
    if price is None:
        raise Conflict(f"{sold} is not sold {subscription.get_interval_display()} in {subscription.currency.upper()}.")
    if not price.stripe_id:
        raise Conflict(f"Stripe does not know {price} yet. We have to bring our prices there first.")
    return price


def _offer(feature: Feature, instance: Instance) -> FeatureOffer:
    plans = tuple(plan.title for plan in feature.plans.all())
    return FeatureOffer(feature, _sentences(feature), refusal_of(feature, instance), plans)


def _current(currency: str) -> "Prefetch[str]":
    return Prefetch("prices", Price.objects.filter(retired_at__isnull=True, currency=currency))


def _sentences(sold: Plan | Feature) -> dict[str, str]:
    unit, often = unit_of(sold), {Interval.MONTH: "a month", Interval.YEAR: "a year"}
    return {
        price.interval: f"{money(price.unit_amount, price.currency)} {often[Interval(price.interval)]} per {unit}"
        for price in sold.prices.all()
    }
