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
from provisioning.models import Instance, InstanceStatus


def feature_opt_in(*, instance: Instance, feature: Feature, actor: Actor) -> OptIn:
    """The feature is wanted, and is switched on a moment later; asked twice, it is the same wish.

    Raises Conflict when the instance is deleted or not entitled to it, Invalid when it cannot carry it.
    """
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted.")
    if why := refusal_of(feature, instance):
        raise Invalid(why, field="feature")
    entitlement = entitlements_of(instance, clock.now()).get(feature.pk)
    if entitlement is None:
        raise Conflict(f"{feature} is not included yet. Add it to the subscription first.")
    return _wish(instance, feature, entitlement.units, actor)


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


def _wish(instance: Instance, feature: Feature, units: int, actor: Actor) -> OptIn:
    with transaction.atomic():
        wish, is_new = OptIn.objects.get_or_create(
            instance=instance, feature=feature, defaults={"opted_in_by": actor.user, "units": units}
        )
        if is_new:
            _record("feature.opt-in", instance, feature.pk, actor, {"units": units})
        upkeep_ask(Instance.objects.filter(pk=instance.pk))
    return wish


def _record(
    action: str, instance: Instance, feature: str, actor: Actor, details: Mapping[str, Any], reason: str = ""
) -> None:
    details = {"feature": feature, **details}
    record(action, instance, organization_id=instance.organization_id, actor=actor, reason=reason, details=details)
