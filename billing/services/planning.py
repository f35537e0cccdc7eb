"""A subscription goes on as another plan: a dearer one at once, a cheaper one from the next period on.

What the new plan includes is no add-on any more. Stripe is told, and what has come of it is learned from Stripe, as
everything else (decision 13).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.clients.stripe import Preview, asking, preview
from billing.models import Plan, Status, Subscription, SubscriptionItem
from billing.selectors.offers import price_of
from billing.services.ahead import ended_ahead, forget_ahead, plan_ahead
from billing.services.changing import charged_now, check_changeable, note_change, plan_of, seats_of
from billing.terms.money import money
from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.models import Instance


@dataclass(frozen=True)
class PlanChange:
    """What another plan means. `preview` is what is due at once, None where nothing is charged before `at`.

    `price` is what a seat costs then; `included` are add-ons that it includes, `lost` features that it does not.
    """

    before: Plan
    after: Plan
    price: str
    preview: Preview | None
    currency: str
    at: datetime | None
    included: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def is_at_once(self) -> bool:
        return self.at is None

    @property
    def due_now(self) -> int:
        """In minor units."""
        return self.preview.due_now if self.preview else 0


def plan_choices(instance: Instance, subscription: Subscription) -> list[Plan]:
    """The plans that it could go on as: those that are sold and include its size; its own to take back another."""
    current = plan_of(subscription)
    plans = Plan.objects.filter(status=Status.OFFERED, sizes=instance.size_id)
    return list(plans if subscription.next_plan else plans.exclude(pk=current.pk))


def plan_preview(instance: Instance, subscription: Subscription, plan: Plan) -> PlanChange:
    """What it would mean, as Stripe reckons it. Raises Invalid, Conflict, Away or StripeRefused."""
    before, is_dearer = _check(instance, subscription, plan)
    found = preview(subscription.pk, _items(subscription, plan)) if is_dearer else None
    price, at = price_of(plan, subscription), None if is_dearer else subscription.period_ends_at
    included = tuple(str(item.price.feature) for item in _now_included(subscription, plan) if item.price)
    had = before.features.exclude(status=Status.DRAFT)
    lost = tuple(str(feature) for feature in had.exclude(pk__in=plan.features.all()))
    each = money(price.unit_amount, price.currency)
    return PlanChange(before, plan, each, found, subscription.currency, at, included, lost)


def plan_set(
    *,
    instance: Instance,
    subscription: Subscription,
    plan: Plan,
    key: str,
    actor: Actor,
    reckoned_at: int | None = None,
) -> PlanChange:
    """It is the dearer plan once that is paid for, the cheaper one from the next period on; `key` is the same for a
    second try, `reckoned_at` that of the preview. To choose the plan that it has takes back what was planned.

    Raises Invalid for a plan that it cannot have, Conflict while it cannot be changed, Away or StripeRefused.
    """
    change = plan_preview(instance, subscription, plan)
    if change.is_at_once:
        ended = ended_ahead(subscription)
        forget_ahead(subscription)
        wanted: Any = {"items": _items(subscription, plan), **charged_now(subscription, reckoned_at)}
        with asking() as api:
            api.subscriptions.update(subscription.pk, wanted, {"idempotency_key": f"plan-{key}"})
        included = {item.pk for item in _now_included(subscription, plan)}
        kept = {pk: count for pk, count in ended.items() if pk not in included}
        if kept:
            plan_ahead(subscription, kept, plan)
    else:
        gone: dict[str, int | None] = {item.pk: 0 for item in _now_included(subscription, plan)}
        plan_ahead(subscription, gone, plan)
    note_change("subscription.plan", subscription, actor, {"from": change.before.pk, "to": plan.pk})
    return change


def _check(instance: Instance, subscription: Subscription, plan: Plan) -> tuple[Plan, bool]:
    """The plan that it has, and whether the other one is dearer."""
    check_changeable(subscription)
    if subscription.cancel_at:
        raise Conflict("The subscription ends with this period. Let it go on first.")
    before, seats = plan_of(subscription), seats_of(subscription)
    if plan == before and subscription.next_plan is None:
        raise Invalid(f"It is {plan} already.", field="plan")
    if plan.status != Status.OFFERED or not plan.sizes.filter(pk=instance.size_id).exists():
        raise Invalid(f"{plan} does not include size {instance.size_id.upper()}, which the instance has.", field="plan")
    if seats < plan.minimum_seats:
        raise Invalid(
            f"{plan} begins with {plan.minimum_seats:,} seats; there are {seats:,}. Add some first.", field="plan"
        )
    now = next(item.price for item in subscription.items.all() if item.price and item.price.plan_id == before.pk)
    return before, price_of(plan, subscription).unit_amount > now.unit_amount


def _items(subscription: Subscription, plan: Plan) -> list[Mapping[str, Any]]:
    """The plan's item at its new price, and an end to the add-ons that it includes."""
    mine = next(item for item in subscription.items.all() if item.price and item.price.plan_id)
    ends = [{"id": item.pk, "deleted": True} for item in _now_included(subscription, plan)]
    return [{"id": mine.pk, "price": price_of(plan, subscription).stripe_id}, *ends]


def _now_included(subscription: Subscription, plan: Plan) -> list[SubscriptionItem]:
    included = set(plan.features.exclude(status=Status.DRAFT).values_list("pk", flat=True))
    return [item for item in subscription.items.all() if item.price and item.price.feature_id in included]
