"""Our people sell: a subscription by invoice, or a feature added to one, perhaps at a discount.

Within the limit a deal is done at once; above it a second person, a manager, has to agree. Stripe is told once, however
often it is tried, and what has come of it is learned from Stripe, as everything else (decision 13).
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction

from billing.clients.stripe import Away, NotThere, StripeRefused, asking, listed
from billing.models import Account, Feature, Interval, Plan, Sale, Subscription
from billing.selectors.subscriptions import subscription_of
from billing.services.adding import addition_line
from billing.services.buying import account_open, check_known, quote
from billing.services.changing import charged_now
from billing.services.facts import accounts_ask
from billing.services.stripe_catalogue import product_id
from billing.terms.deals import Deal
from billing.terms.offers import Line, Wish
from billing.terms.standing import PAID_FOR
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.rights import is_manager, one_of_us
from provisioning.models import InstanceStatus

DAYS_UNTIL_DUE: Final = 30
OPEN: Final = (Sale.State.PROPOSED, Sale.State.APPROVED)


def needs_second(percent_off: int) -> bool:
    """Whether one person alone may not give such a discount."""
    return percent_off > int(settings.DISCOUNT_LIMIT_PERCENT)


def deal_of(sale: Sale) -> Deal:
    """What the sale comes to. Raises Invalid or Conflict for what cannot be had."""
    lines, interval = _lines(sale)
    return Deal(sum(line.amount for line in lines), lines[0].currency, interval, sale.percent_off, sale.months_off)


def sale_propose(*, sale: Sale, actor: Actor) -> Sale:
    """The sale, not saved yet, is done at once, or waits for a second person where its discount is above the limit.

    Raises Forbidden for who is not ours, Invalid for what cannot be had, Conflict while another is open. Where Stripe
    is away or refuses, the sale says so and stays approved: `sale_go_on` tries again.
    """
    sale.proposed_by = one_of_us(actor)
    if not sale.reason.strip():
        raise Invalid("Say why.", field="reason")
    if sale.months_off is not None and sale.months_off < 1:
        raise Invalid("For one month at least, or for good.", field="months_off")
    deal = deal_of(sale)
    sale.state = Sale.State.PROPOSED if needs_second(sale.percent_off) else Sale.State.APPROVED
    try:
        with transaction.atomic():
            sale.save(force_insert=True)
            _record("sale.propose", sale, actor, sale.reason, {"price": deal.price, "percent_off": sale.percent_off})
    except IntegrityError:
        raise Conflict("Another sale to this instance is open. Decide that one first.") from None
    return sale_go_on(sale=sale, actor=actor) if sale.state == Sale.State.APPROVED else sale


def sale_approve(*, sale: Sale, actor: Actor, reason: str) -> Sale:
    """A second person agrees, and it is done. Raises Forbidden for whoever proposed it and who is no manager."""
    _decide(sale, Sale.State.APPROVED, actor, reason)
    return sale_go_on(sale=sale, actor=actor)


def sale_refuse(*, sale: Sale, actor: Actor, reason: str) -> Sale:
    """A second person does not agree; nothing comes of it. Raises as `sale_approve`, Invalid without a reason."""
    if not reason.strip():
        raise Invalid("Say why.", field="reason")
    return _decide(sale, Sale.State.REFUSED, actor, reason)


def sale_go_on(*, sale: Sale, actor: Actor) -> Sale:
    """Stripe knows of it, or the sale says why not yet. Raises Conflict unless it is approved and open."""
    one_of_us(actor)
    row = Sale.objects.select_related("instance__organization", "instance__size", "instance__release").get(pk=sale.pk)
    if row.state != Sale.State.APPROVED:
        raise Conflict(f"This sale is {row.state}.")
    try:
        _tell_stripe(row, actor)
    except (Away, NotThere, StripeRefused, Conflict, Invalid) as error:
        Sale.objects.filter(pk=row.pk).update(error=str(error))
        row.error = str(error)
        return row
    with transaction.atomic():
        row.state, row.error = Sale.State.DONE, ""
        row.save(update_fields=["state", "error"])
        _record("sale.done", row, actor, "", {})
        accounts_ask(Account.objects.filter(organization=row.instance.organization_id))
    return row


def sale_withdraw(*, sale: Sale, actor: Actor, reason: str) -> Sale:
    """Nothing comes of it any more. Raises Conflict when it is done, over, or has got through to Stripe; Away."""
    one_of_us(actor)
    with transaction.atomic():
        row = Sale.objects.select_for_update(of=("self",)).select_related("instance").get(pk=sale.pk)
        if row.state not in OPEN:
            raise Conflict(f"This sale is {row.state}.")
        if row.state == Sale.State.APPROVED and _is_at_stripe(row):
            raise Conflict("Stripe has it already. Try it again, and it is done.")
        row.state = Sale.State.REFUSED
        row.save(update_fields=["state"])
        _record("sale.withdraw", row, actor, reason, {})
    return row


def _decide(sale: Sale, state: Sale.State, actor: Actor, reason: str) -> Sale:
    user = one_of_us(actor)
    with transaction.atomic():
        row = Sale.objects.select_for_update(of=("self",)).select_related("instance").get(pk=sale.pk)
        if row.state != Sale.State.PROPOSED:
            raise Conflict(f"This sale is {row.state}.")
        if row.proposed_by_id == user.pk or not is_manager(user):
            raise Forbidden("A second person decides: a sales manager who has not proposed it.")
        row.state, row.decided_by, row.decided_at, row.decided_because = state, user, clock.now(), reason.strip()
        row.save(update_fields=["state", "decided_by", "decided_at", "decided_because"])
        _record(f"sale.{'approve' if state == Sale.State.APPROVED else 'refuse'}", row, actor, reason, {})
    return row


def _tell_stripe(sale: Sale, actor: Actor) -> None:
    """Nothing, where an earlier try has got through: what was sold could not be sold once more."""
    if _is_at_stripe(sale):
        return
    lines, _ = _lines(sale)
    check_known(lines)
    items = [{"price": line.stripe_price, "quantity": line.quantity} for line in lines]
    once: Any = {"idempotency_key": f"sale-{sale.pk}"}
    with asking() as api:
        discounts = [{"coupon": _coupon(api, sale)}] if sale.percent_off else []
        if sale.kind == Sale.Kind.SUBSCRIPTION:
            account = account_open(sale.instance.organization, actor)
            api.subscriptions.create(_by_invoice(sale, account, items, discounts), once)
            return
        subscription = _subscription(sale)
        wanted: Any = {"items": items, **charged_now(subscription)}
        if discounts:
            kept = api.subscriptions.retrieve(subscription.pk).to_dict()["discounts"]
            wanted["discounts"] = [*({"discount": each} for each in kept), *discounts]
        api.subscriptions.update(subscription.pk, wanted, once)


def _is_at_stripe(sale: Sale) -> bool:
    """Whether an earlier try has got through: Stripe remembers a try's key for a day only.

    Raises Conflict where the instance has another subscription that we have not heard of yet.
    """
    if sale.kind == Sale.Kind.ADD_ON:
        product = product_id(_sold(sale)[0])
        with asking() as api:
            found = api.subscriptions.retrieve(_subscription(sale).pk).to_dict()
        return any(item["price"]["product"] == product for item in found["items"]["data"])
    account = Account.objects.filter(organization=sale.instance.organization_id).first()
    for each in listed("subscriptions", customer=account.stripe_id, status="all") if account else ():
        told = each["metadata"] or {}
        if told.get("sale") == str(sale.pk):
            return True
        if told.get("instance") == sale.instance_id and each["status"] in PAID_FOR:
            raise Conflict("This instance is subscribed already.")
    return False


def _by_invoice(
    sale: Sale, account: Account, items: list[dict[str, Any]], discounts: list[dict[str, str]]
) -> dict[str, Any]:
    wanted = {
        "customer": account.stripe_id,
        "items": items,
        "collection_method": "send_invoice",
        "days_until_due": DAYS_UNTIL_DUE,
        "metadata": {"instance": sale.instance_id, "sale": str(sale.pk)},
        "discounts": discounts,
    }
    wanted = {name: value for name, value in wanted.items() if value != []}
    return {**wanted, "automatic_tax": {"enabled": True}} if settings.STRIPE_AUTOMATIC_TAX else wanted


def _coupon(api: Any, sale: Sale) -> str:
    """The sale's own coupon, which counts for what it is about; made once, under a name of its own."""
    key = f"sale-{sale.pk}"
    try:
        with asking():
            return str(api.coupons.retrieve(key).id)
    except NotThere:
        pass
    wanted: Any = {
        "id": key,
        "name": f"Sale {sale.pk}",
        "percent_off": sale.percent_off,
        "duration": "forever",
        "applies_to": {"products": [product_id(sold) for sold in _sold(sale)]},
    }
    if sale.months_off:
        wanted |= {"duration": "repeating", "duration_in_months": sale.months_off}
    return str(api.coupons.create(wanted).id)


def _sold(sale: Sale) -> list[Plan | Feature]:
    """What the discount counts for: not for what they add one day."""
    if sale.kind == Sale.Kind.ADD_ON:
        return [Feature.objects.get(pk=sale.wish["feature"])]
    plan = Plan.objects.get(pk=sale.wish["plan"])
    return [plan, *Feature.objects.filter(pk__in=sale.wish["features"])]


def _lines(sale: Sale) -> tuple[tuple[Line, ...], Interval]:
    """What it is for. Raises Invalid or Conflict for what cannot be had any more."""
    instance = sale.instance
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted.")
    if sale.kind == Sale.Kind.ADD_ON:
        subscription, feature = _subscription(sale), Feature.objects.get(pk=sale.wish["feature"])
        line = addition_line(instance, subscription, feature, sale.wish["units"])
        return (line,), Interval(subscription.interval)
    if Subscription.objects.filter(instance=instance, status__in=PAID_FOR).exists():
        raise Conflict("This instance is subscribed already. Change that subscription instead.")
    wish = Wish(**{**sale.wish, "interval": Interval(sale.wish["interval"])})
    return quote(instance, wish).lines, wish.interval


def _subscription(sale: Sale) -> Subscription:
    subscription = subscription_of(sale.instance)
    if subscription is None:
        raise Conflict("This instance has no subscription that something could be added to.")
    return subscription


def _record(action: str, sale: Sale, actor: Actor, reason: str, details: Mapping[str, Any]) -> None:
    organization = sale.instance.organization_id
    details = {"sale": sale.pk, "kind": sale.kind, "wish": sale.wish, **details}
    record(action, sale.instance, organization_id=organization, actor=actor, reason=reason, details=details)
