"""A feature is added to a subscription that is under way, at once; or taken out of it at renewal, and back until then.

Stripe is told, and what has come of it is learned from Stripe, as everything else (decision 13).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.clients.stripe import Preview, asking, preview
from billing.models import Charge, Collection, Feature, Status, Subscription, SubscriptionItem
from billing.selectors.offers import price_of, refusal_of
from billing.services.ahead import plan_ahead
from billing.services.changing import charged_now, check_changeable, note_change, plan_of, seats_of
from billing.terms.offers import Line, unit_of
from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.models import Instance


@dataclass(frozen=True)
class Addition:
    """What adding a feature means: its line from now on, each `often`, and what is due at once."""

    line: Line
    often: str
    preview: Preview
    renews_at: datetime
    is_by_invoice: bool


def addition_line(instance: Instance, subscription: Subscription, feature: Feature, units: int) -> Line:
    """What adding it comes to, each period. Raises Invalid for what it cannot have, Conflict for what it has."""
    check_changeable(subscription)
    if subscription.cancel_at:
        raise Conflict("The subscription ends with this period. Let it go on first.")
    if any(item.next_quantity is not None for item in subscription.items.all()):
        raise Conflict("Something changes with the next period already. Take that back first, or wait for it.")
    plan = plan_of(subscription)
    if feature.status != Status.OFFERED:
        raise Invalid(f"{feature} is not sold.", field="feature")
    if plan.features.filter(pk=feature.pk).exists() or any(_is_of(item, feature) for item in subscription.items.all()):
        raise Conflict(f"{feature} is part of the subscription already.")
    if why := refusal_of(feature, instance, plan):
        raise Invalid(why, field="feature")
    if feature.charge == Charge.UNIT and not 1 <= units <= (feature.most_units or units):
        raise Invalid(f"From 1 to {feature.most_units}.", field="units")
    price = price_of(feature, subscription)
    quantity = {Charge.SEAT: seats_of(subscription), Charge.UNIT: units}.get(Charge(feature.charge), 1)
    return Line(feature.title, quantity, unit_of(feature), price.unit_amount, price.currency, price.pk, price.stripe_id)


def addition_preview(instance: Instance, subscription: Subscription, feature: Feature, units: int = 1) -> Addition:
    """What it would mean, as Stripe reckons it. Raises Invalid, Conflict, Away or StripeRefused."""
    line = addition_line(instance, subscription, feature, units)
    found = preview(subscription.pk, [_item(line)])
    often, renews = subscription.get_interval_display(), subscription.period_ends_at
    return Addition(line, often, found, renews, subscription.collection == Collection.INVOICE)


def feature_add(
    *,
    instance: Instance,
    subscription: Subscription,
    feature: Feature,
    units: int,
    key: str,
    actor: Actor,
    reckoned_at: int | None = None,
) -> None:
    """It is there once it is paid for, which is seconds with a card. `key` is the same for a second try; `reckoned_at`
    is that of the preview.

    Raises Invalid for what it cannot have, Conflict for what it has, Away or StripeRefused.
    """
    line = addition_line(instance, subscription, feature, units)
    wanted: Any = {"items": [_item(line)], **charged_now(subscription, reckoned_at)}
    with asking() as api:
        api.subscriptions.update(subscription.pk, wanted, {"idempotency_key": f"feature-{key}"})
    note_change("subscription.feature-add", subscription, actor, {"feature": feature.pk, "units": line.quantity})


def feature_stop(*, subscription: Subscription, feature: Feature, actor: Actor, reason: str = "") -> datetime:
    """It is paid for until this period's end, stays on until then, and is switched off; answers when that is.

    Raises Conflict when it is no add-on of the subscription, or ends already; Away or StripeRefused.
    """
    item = _bought(subscription, feature)
    if item.next_quantity == 0 or subscription.cancel_at:
        raise Conflict(f"{feature} ends already.")
    check_changeable(subscription)
    plan_ahead(subscription, {item.pk: 0})
    note_change("subscription.feature-stop", subscription, actor, {"feature": feature.pk}, reason)
    return subscription.period_ends_at


def feature_keep(*, subscription: Subscription, feature: Feature, actor: Actor) -> None:
    """It goes on after all. Raises Conflict when it does not end, Away or StripeRefused."""
    item = _bought(subscription, feature)
    if item.next_quantity != 0:
        raise Conflict(f"{feature} goes on anyway.")
    plan_ahead(subscription, {item.pk: None})
    note_change("subscription.feature-keep", subscription, actor, {"feature": feature.pk})


def _item(line: Line) -> Mapping[str, Any]:
    return {"price": line.stripe_price, "quantity": line.quantity}


def _is_of(item: SubscriptionItem, feature: Feature) -> bool:
    return item.price is not None and item.price.feature_id == feature.pk


def _bought(subscription: Subscription, feature: Feature) -> SubscriptionItem:
    for item in subscription.items.all():
        if _is_of(item, feature):
            return item
    raise Conflict(f"{feature} is no add-on of this subscription.")
