"""What an instance is entitled to, what of that is wanted, and how it stands with each feature."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from django.db.models import Prefetch, Q, prefetch_related_objects

from billing.models import Feature, Grant, OptIn, Status, Subscription
from billing.selectors.offers import FeatureOffer, feature_offers, refusal_of
from billing.selectors.standings import standing_of
from billing.selectors.subscriptions import paid_for, subscription_of
from billing.terms.entitlements import Entitlement, Source, entitlements
from billing.terms.standing import State
from portal.core.errors import NotFound
from provisioning.fleet.details import details_asked, is_told
from provisioning.models import Instance
from provisioning.selectors.domains import waits_for_a_record
from provisioning.spec import FeatureSpec


class Stands(StrEnum):
    """How it stands with a feature on an instance, in the order in which people look for it."""

    UNTOLD = "untold"  # entitled and wanted, and something has to be told before it can be switched on
    WAITING = "waiting"  # entitled, wanted and told of; its people have to do something elsewhere before it is as told
    ON = "on"
    CHANGING = "changing"
    ENTITLED = "entitled"
    FOR_SALE = "for sale"
    REFUSED = "refused"


@dataclass(frozen=True)
class Held:
    """A feature as an instance has it, or could have it. `until` is when it ends."""

    offer: FeatureOffer
    stands: Stands
    entitlement: Entitlement | None
    opt_in: OptIn | None
    until: datetime | None

    @property
    def feature(self) -> Feature:
        return self.offer.feature

    @property
    def asks(self) -> tuple[str, ...]:
        """The names of what the customer has to tell before it can be switched on."""
        return details_asked(self.feature.parts)

    @property
    def told(self) -> dict[str, Any]:
        """What they have told, by name."""
        return self.opt_in.details if self.opt_in else {}

    @property
    def is_add_on(self) -> bool:
        return self.entitlement is not None and self.entitlement.source is Source.ADD_ON


def entitlements_of(instance: Instance, now: datetime) -> dict[str, Entitlement]:
    """By feature. At most seven queries, however many features."""
    subscription = subscription_of(instance, "items__price__plan__features")
    grants = Grant.objects.filter(instance=instance)
    return entitlements(_given(instance, subscription, grants, _tried, now), now)


def entitlements_by_instance(instances: Sequence[Instance], now: datetime) -> dict[str, dict[str, Entitlement]]:
    """Of each of these, by id and feature. Seven queries at most; their subscriptions and grants are at hand then."""
    bought = Subscription.objects.prefetch_related("items__price__plan__features")
    prefetch_related_objects(list(instances), Prefetch("subscriptions", bought), "grants")
    tried = cache(_tried)
    return {
        instance.pk: entitlements(
            _given(instance, paid_for(instance.subscriptions.all()), instance.grants.all(), tried, now), now
        )
        for instance in instances
    }


def wanted_features(instance: Instance, now: datetime) -> list[FeatureSpec]:
    """What is entitled, opted in to, told of, and can be carried; also what people were told goes on until later.

    What waits for its people is as it is by now: not there, or as they had told it before. In the order in which
    provisioning has them.
    """
    may, specs = entitlements_of(instance, now), []
    for opt_in in instance.opt_ins.select_related("feature__smallest_size"):
        has_time = opt_in.ends_at is not None and now < opt_in.ends_at
        is_wanted = opt_in.feature_id in may or has_time
        if is_wanted and is_told(opt_in.feature.parts, opt_in.details) and not refusal_of(opt_in.feature, instance):
            spec = _spec(opt_in, may.get(opt_in.feature_id))
            waits = waits_for_a_record(instance, spec.parts, spec.details)
            specs += _as_it_is(instance, spec) if waits else [spec]
    return sorted(specs, key=lambda spec: spec.name)


def held_features(instance: Instance, now: datetime) -> list[Held]:
    """Everything that is offered, and what the instance has beside that."""
    may = entitlements_of(instance, now)
    opted = {opt_in.feature_id: opt_in for opt_in in instance.opt_ins.all()}
    on = {feature["name"] for feature in instance.features}
    ours = Q(status=Status.OFFERED) | Q(pk__in={*may, *opted, *on})
    found = [_held(instance, offer, may, opted, on) for offer in feature_offers(instance, which=ours)]
    return sorted(found, key=lambda held: list(Stands).index(held.stands))


def held_feature(instance: Instance, name: str, now: datetime) -> Held:
    """One of them. Raises NotFound for what is neither offered nor had."""
    for held in held_features(instance, now):
        if held.feature.pk == name:
            return held
    raise NotFound(f"There is no feature {name}.")


def _spec(opt_in: OptIn, entitlement: Entitlement | None) -> FeatureSpec:
    feature, units = opt_in.feature, entitlement.units if entitlement else opt_in.units
    return FeatureSpec(feature.pk, units, feature.values, tuple(feature.parts), opt_in.details)


def _as_it_is(instance: Instance, spec: FeatureSpec) -> list[FeatureSpec]:
    """The feature with the details that it is on with; nothing where it is off."""
    on = [FeatureSpec.from_json(each) for each in instance.features if each["name"] == spec.name]
    return [replace(spec, details=each.details) for each in on]


def _held(
    instance: Instance, offer: FeatureOffer, may: dict[str, Entitlement], opted: dict[str, OptIn], on: set[str]
) -> Held:
    name = offer.feature.pk
    entitlement, opt_in = may.get(name), opted.get(name)
    until = entitlement.until if entitlement else opt_in.ends_at if opt_in else None
    stands = _stands(offer, entitlement, opt_in, is_on=name in on)
    if opt_in and stands in {Stands.ON, Stands.CHANGING} and _is_wanted(offer, entitlement, opt_in):
        stands = Stands.WAITING if waits_for_a_record(instance, offer.feature.parts, opt_in.details) else stands
    return Held(offer, stands, entitlement, opt_in, until)


def _stands(offer: FeatureOffer, entitlement: Entitlement | None, opt_in: OptIn | None, *, is_on: bool) -> Stands:
    is_wanted = _is_wanted(offer, entitlement, opt_in)
    if is_wanted and opt_in and not is_told(offer.feature.parts, opt_in.details):
        return Stands.UNTOLD
    if is_wanted or is_on:
        return Stands.ON if is_wanted and is_on else Stands.CHANGING
    if offer.refusal:
        return Stands.REFUSED
    return Stands.ENTITLED if entitlement else Stands.FOR_SALE


def _is_wanted(offer: FeatureOffer, entitlement: Entitlement | None, opt_in: OptIn | None) -> bool:
    return opt_in is not None and not offer.refusal and (entitlement or opt_in.ends_at) is not None


def _given(
    instance: Instance,
    subscription: Subscription | None,
    grants: Iterable[Grant],
    tried: Callable[[], list[str]],
    now: datetime,
) -> Iterator[Entitlement]:
    if subscription:
        yield from _bought(subscription)
    for grant in grants:
        yield Entitlement(grant.feature_id, Source.GRANT, grant.since, grant.until, grant.units, ends_alone=True)
    stands = standing_of(instance, now)
    if stands.state == State.TRIAL:
        for name in tried():
            yield Entitlement(name, Source.TRIAL, instance.created_at, stands.until)


def _tried() -> list[str]:
    """What trials may switch on."""
    return list(Feature.objects.filter(status=Status.OFFERED, can_be_tried=True).values_list("pk", flat=True))


def _bought(subscription: Subscription) -> Iterator[Entitlement]:
    since, until = subscription.created_at, subscription.cancel_at
    for item in subscription.items.all():
        if item.price and item.price.plan:
            ready = (feature for feature in item.price.plan.features.all() if feature.status != Status.DRAFT)
            yield from (Entitlement(feature.pk, Source.PLAN, since, until) for feature in ready)
        elif item.price and item.price.feature_id:
            stops = item.next_quantity == 0 and until is None
            ends = subscription.period_ends_at if stops else until
            units = max(1, item.quantity)
            yield Entitlement(item.price.feature_id, Source.ADD_ON, since, ends, units, ends_alone=stops)
