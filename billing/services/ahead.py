"""What a subscription is to be from its next period on: a schedule of Stripe's that then lets go of it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from billing.clients.stripe import asking
from billing.models import Plan, Subscription
from billing.selectors.offers import price_of

# In the metadata of a subscription that ends: what was planned for its next period, for when it goes on after all.
ITEMS, PLAN = "planned_items", "planned_plan"
NOTHING: Final = {ITEMS: "", PLAN: ""}


def plan_ahead(subscription: Subscription, changes: Mapping[str, int | None], plan: Plan | None = None) -> None:
    """From the next period on there are so many of these items, by id, and of the others what was planned before.

    0 is the end of one, None is as many as now. `plan` is what it is for then; None: as planned before. Where nothing
    is to change any more, there is no schedule. Raises Away or StripeRefused, Conflict for a plan without such a price.
    """
    other = _other_plan(subscription, plan or subscription.next_plan)
    later = {item: changes.get(item.pk, item.next_quantity) for item in subscription.items.all()}
    by_price = {
        item.price.stripe_id: quantity
        for item, quantity in later.items()
        if item.price and quantity is not None and quantity != item.quantity
    }
    forget_ahead(subscription)
    if by_price or other:
        _schedule(subscription, by_price, other)


def _schedule(subscription: Subscription, quantities: Mapping[str, int], prices: Mapping[str, str]) -> None:
    """It goes on as it is, and has other quantities and prices, by Stripe's price as it is, from the next period on."""
    with asking() as api:
        schedule = api.subscription_schedules.create({"from_subscription": subscription.pk}).to_dict()
        current = schedule["phases"][0]
        now = [{"price": item["price"], "quantity": item["quantity"]} for item in current["items"]]
        count = {item["price"]: quantities.get(item["price"], item["quantity"]) for item in now}
        then = [{"price": prices.get(price, price), "quantity": quantity} for price, quantity in count.items()]
        phases: Any = [
            {"items": now, "start_date": current["start_date"], "end_date": current["end_date"]},
            {"items": [item for item in then if item["quantity"]], "proration_behavior": "none"},
        ]
        api.subscription_schedules.update(schedule["id"], {"phases": phases, "end_behavior": "release"})


def _other_plan(subscription: Subscription, plan: Plan | None) -> dict[str, str]:
    """Stripe's price of the plan as it is, and that of the one to come; nothing where it stays."""
    for item in subscription.items.all():
        if item.price and item.price.plan_id and plan and item.price.plan_id != plan.pk:
            return {item.price.stripe_id: price_of(plan, subscription).stripe_id}
    return {}


def forget_ahead(subscription: Subscription) -> None:
    """What was planned for the next period is forgotten."""
    with asking() as api:
        schedule = api.subscriptions.retrieve(subscription.pk).to_dict()["schedule"]
        if schedule:
            api.subscription_schedules.release(str(schedule))


def end_with_period(subscription: Subscription) -> None:
    """It ends with its period. What was planned is kept aside: Stripe has no schedule of what ends."""
    planned = {item.pk: item.next_quantity for item in subscription.items.all() if item.next_quantity is not None}
    aside = {ITEMS: json.dumps(planned) if planned else "", PLAN: subscription.next_plan_id or ""}
    forget_ahead(subscription)
    with asking() as api:
        api.subscriptions.update(subscription.pk, {"cancel_at_period_end": True, "metadata": aside})


def go_on_after_period(subscription: Subscription) -> None:
    """It goes on, as it was planned before its end was. What was kept aside is forgotten last, so that a second try
    finds it.
    """
    with asking() as api:
        aside = api.subscriptions.update(subscription.pk, {"cancel_at_period_end": False}).to_dict()["metadata"]
    items, plan = aside.get(ITEMS), Plan.objects.filter(pk=aside.get(PLAN, "")).first()
    if items or plan:
        plan_ahead(subscription, json.loads(items or "{}"), plan)
        with asking() as api:
            api.subscriptions.update(subscription.pk, {"metadata": NOTHING})


def ended_ahead(subscription: Subscription) -> dict[str, int | None]:
    """The items that end with this period, as `plan_ahead` takes them."""
    return {item.pk: 0 for item in subscription.items.all() if item.next_quantity == 0}
