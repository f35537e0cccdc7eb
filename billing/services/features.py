"""Customers say what they want of what they are entitled to; the instance's upkeep switches it on and off."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from billing.models import Feature, OptIn
from billing.selectors.entitlements import entitlements_of
from billing.selectors.offers import refusal_of
from billing.services.upkeep import upkeep_ask
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.details import CUSTOM_NAME, check_details
from provisioning.fleet.features import CUSTOM_DOMAIN
from provisioning.models import Instance, InstanceStatus
from provisioning.services.domains import domain_claim


def feature_opt_in(
    *, instance: Instance, feature: Feature, actor: Actor, details: Mapping[str, Any] | None = None
) -> OptIn:
    """The feature is wanted, and is switched on a moment later; asked twice, it is the same wish.

    `details` are what its parts ask for (provisioning/fleet/details.py). Raises Conflict when the instance is deleted
    or not entitled to it, Invalid when it cannot carry it or for a detail, which is the error's field.
    """
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted.")
    if why := refusal_of(feature, instance):
        raise Invalid(why, field="feature")
    entitlement = entitlements_of(instance, clock.now()).get(feature.pk)
    if entitlement is None:
        raise Conflict(f"{feature} is not included yet. Add it to the subscription first.")
    told = check_details(feature.parts, details or {}, region=instance.region)
    with transaction.atomic():
        _claim(instance, feature, told)
        return _wish(instance, feature, entitlement.units, actor, told)


def feature_tell(*, instance: Instance, feature: Feature, details: Mapping[str, Any], actor: Actor) -> None:
    """What its parts ask for is told, or told anew; the instance follows a moment later.

    Raises Conflict when the feature is not wanted or just this was told before, Invalid for a detail.
    """
    told = check_details(feature.parts, details, region=instance.region)
    with transaction.atomic():
        wish = OptIn.objects.select_for_update().filter(instance=instance, feature=feature).first()
        if wish is None:
            raise Conflict(f"{feature} is off.")
        if wish.details == told:
            raise Conflict("That is what you have told us already.")
        _claim(instance, feature, told)
        before, wish.details = wish.details, told
        wish.save(update_fields=["details"])
        _record("feature.tell", instance, feature.pk, actor, {"from": before, "to": told})
        upkeep_ask(Instance.objects.filter(pk=instance.pk))


def feature_opt_out(*, instance: Instance, feature: Feature, actor: Actor, reason: str = "") -> None:
    """The feature is not wanted any more, and is switched off a moment later. Raises Conflict when it is off."""
    with transaction.atomic():
        gone, _ = OptIn.objects.filter(instance=instance, feature=feature).delete()
        if not gone:
            raise Conflict(f"{feature} is off already.")
        _record("feature.opt-out", instance, feature.pk, actor, {}, reason)
        upkeep_ask(Instance.objects.filter(pk=instance.pk))


def feature_was_bought(instance: Instance, feature: Feature, units: int) -> None:
    """What has just been added to a subscription is wanted: whoever bought it has seen price and effect."""
    if not OptIn.objects.filter(instance=instance, feature=feature).exists():
        _wish(instance, feature, units, Actor(None, "billing"))


def _claim(instance: Instance, feature: Feature, told: Mapping[str, Any]) -> None:
    """What of the details is one instance's alone is this one's. Raises Invalid where it is not to be had."""
    if CUSTOM_DOMAIN in feature.parts:
        domain_claim(instance=instance, name=told[CUSTOM_NAME])


def _wish(
    instance: Instance, feature: Feature, units: int, actor: Actor, details: Mapping[str, Any] | None = None
) -> OptIn:
    told = dict(details or {})
    with transaction.atomic():
        wish, is_new = OptIn.objects.get_or_create(
            instance=instance,
            feature=feature,
            defaults={"opted_in_by": actor.user, "units": units, "details": told},
        )
        if is_new:
            said = {"details": told} if told else {}
            _record("feature.opt-in", instance, feature.pk, actor, {"units": units, **said})
        upkeep_ask(Instance.objects.filter(pk=instance.pk))
    return wish


def _record(
    action: str, instance: Instance, feature: str, actor: Actor, details: Mapping[str, Any], reason: str = ""
) -> None:
    details = {"feature": feature, **details}
    record(action, instance, organization_id=instance.organization_id, actor=actor, reason=reason, details=details)
