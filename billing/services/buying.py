"""Customers subscribe by themselves: what it comes to is said before, and Stripe's own pages take the money.

Nothing is switched on here. What has been bought is learned from Stripe, as everything else (decision 13).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from billing.clients.stripe import asking
from billing.models import Account, Charge, Feature, Plan, Price, Status, Subscription
from billing.selectors.offers import refusal_of
from billing.services.facts import accounts_ask
from billing.services.upkeep import upkeep_ask
from billing.terms.offers import Line, Quote, Wish, quantity_of, unit_of
from billing.terms.standing import PAID_FOR
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.models import Organization
from provisioning.models import Instance, InstanceStatus

MOST_SEATS: Final = 5_000


def quote(instance: Instance, wish: Wish) -> Quote:
    """What the wish comes to for this instance. Raises Invalid for what is not sold, or that it cannot have."""
    plan = _plan(instance, wish)
    return Quote(wish.interval, wish.currency, tuple(_lines(instance, plan, wish)))


def check_known(lines: Iterable[Line]) -> None:
    """Raises Conflict for prices that Stripe has not been told of."""
    if missing := [line.price for line in lines if not line.stripe_price]:
        raise Conflict(f"Stripe does not know {', '.join(missing)} yet. We have to bring our prices there first.")


def account_open(organization: Organization, actor: Actor) -> Account:
    """The organization's customer at Stripe, made if there is none yet. Raises Away or StripeRefused."""
    if known := Account.objects.filter(organization=organization).first():
        return known
    params: Any = {
        "name": organization.name,
        "email": actor.label if actor.user else None,
        "metadata": {"organization": organization.pk},
    }
    with asking() as api:
        customer = api.customers.create(params, {"idempotency_key": f"customer-{organization.pk}"})
    with transaction.atomic():
        fields = {"stripe_id": customer.id, "due_at": None}
        account, is_new = Account.objects.get_or_create(organization=organization, defaults=fields)
        if is_new:
            details = {"stripe_id": customer.id}
            record("account.open", account, organization_id=organization.pk, actor=actor, details=details)
    return account


def checkout_begin(*, instance: Instance, wish: Wish, back: str, actor: Actor) -> str:
    """The address of Stripe's page on which the wish is paid for; from there people come `back`.

    Asked twice for the same, it is the same page. Raises Invalid for a wish that cannot be had, Conflict when the
    instance is subscribed already, Away or StripeRefused.
    """
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted. Start another one first.")
    if Subscription.objects.filter(instance=instance, status__in=PAID_FOR).exists():
        raise Conflict("This instance is subscribed already. Change that subscription instead.")
    wanted = quote(instance, wish)
    account = account_open(instance.organization, actor)
    session = _same_page(account, instance, _session(instance, account, wanted, back))
    details = {"session": session["id"], "total": wanted.total, "interval": wish.interval, "currency": wish.currency}
    record("checkout.begin", instance, organization_id=instance.organization_id, actor=actor, details=details)
    return str(session["url"])


def portal_visit(*, organization: Organization, back: str, actor: Actor) -> str:
    """The address of Stripe's page with the organization's cards and invoices; it is good for a few minutes.

    Raises Conflict where nothing was ever bought, Away or StripeRefused.
    """
    account = Account.objects.filter(organization=organization).first()
    if account is None:
        raise Conflict("There is no card and no invoice yet.")
    with asking() as api:
        session = api.billing_portal.sessions.create({"customer": account.stripe_id, "return_url": back})
    record("portal.visit", account, organization_id=organization.pk, actor=actor)
    return str(session.url)


def bought(instance: Instance) -> None:
    """Somebody is back from paying: what they have bought is asked for, should the event be late."""
    accounts_ask(Account.objects.filter(organization=instance.organization_id))
    upkeep_ask(Instance.objects.filter(pk=instance.pk))


def _plan(instance: Instance, wish: Wish) -> Plan:
    plan = Plan.objects.filter(pk=wish.plan, status=Status.OFFERED).first()
    if plan is None:
        raise Invalid("Choose a plan.", field="plan")
    if not plan.sizes.filter(pk=instance.size_id).exists():
        size = instance.size_id.upper()
        raise Invalid(f"{plan} does not include size {size}, which the instance has. Talk to us.", field="plan")
    if not plan.minimum_seats <= wish.seats <= MOST_SEATS:
        raise Invalid(f"{plan} is for {plan.minimum_seats:,} to {MOST_SEATS:,} seats.", field="seats")
    return plan


def _lines(instance: Instance, plan: Plan, wish: Wish) -> Iterator[Line]:
    prices = {price.plan_id or price.feature_id: price for price in _prices(wish)}
    included = set(plan.features.values_list("pk", flat=True))
    features = Feature.objects.filter(pk__in=set(wish.features), status=Status.OFFERED).prefetch_related("plans")
    found = list(features.select_related("smallest_size"))
    if unknown := set(wish.features) - {feature.pk for feature in found}:
        raise Invalid(f"{', '.join(sorted(unknown))}: nothing of that name is sold.", field="features")
    sold: list[Plan | Feature] = [plan, *(feature for feature in found if feature.pk not in included)]
    for each in sold:
        if isinstance(each, Feature):
            _check(each, instance, plan, wish)
        price = prices.get(each.pk)
        if price is None:
            raise Invalid(f"{each} is not sold {wish.interval.label} in {wish.currency.upper()}.", field="interval")
        yield Line(
            each.title, quantity_of(each, wish), unit_of(each), price.unit_amount, price.currency, price.pk,
            price.stripe_id,
        )  # fmt: skip


def _prices(wish: Wish) -> Any:
    return Price.objects.filter(interval=wish.interval, currency=wish.currency, retired_at__isnull=True)


def _check(feature: Feature, instance: Instance, plan: Plan, wish: Wish) -> None:
    if why := refusal_of(feature, instance, plan):
        raise Invalid(why, field="features")
    units = wish.units.get(feature.pk, 1)
    if feature.charge == Charge.UNIT and not 1 <= units <= (feature.most_units or MOST_SEATS):
        raise Invalid(f"{feature.title}: from 1 to {feature.most_units}.", field="features")


def _session(instance: Instance, account: Account, wanted: Quote, back: str) -> dict[str, Any]:
    check_known(wanted.lines)
    params = {
        "mode": "subscription",
        "customer": account.stripe_id,
        "customer_update": {"name": "auto", "address": "auto"},
        "client_reference_id": instance.pk,
        "line_items": [{"price": line.stripe_price, "quantity": line.quantity} for line in wanted.lines],
        "subscription_data": {"metadata": {"instance": instance.pk}},
        "metadata": {"instance": instance.pk},
        "allow_promotion_codes": True,
        "tax_id_collection": {"enabled": True},
        "billing_address_collection": "auto",
        "success_url": f"{back}?paid=1",
        "cancel_url": back,
    }
    return {**params, "automatic_tax": {"enabled": True}} if settings.STRIPE_AUTOMATIC_TAX else params


def _same_page(account: Account, instance: Instance, params: Any) -> Any:
    """The page that is open for just this; pages for another wish are closed, so that nobody pays twice."""
    mark = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:32]
    wanted: Any = {**params, "metadata": {**params["metadata"], "wish": mark}}
    with asking() as api:
        sessions = api.checkout.sessions
        is_open: Any = {"customer": account.stripe_id, "status": "open", "limit": 100}
        for found in (session.to_dict() for session in sessions.list(is_open).auto_paging_iter()):
            if found["client_reference_id"] != instance.pk:
                continue
            if found["metadata"].get("wish") == mark:
                return found
            sessions.expire(found["id"])
        return sessions.create(wanted).to_dict()
