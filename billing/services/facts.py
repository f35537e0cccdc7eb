"""A customer's facts are fetched from Stripe whole, and written down as one projection (decision 13).

Whoever learns that something has changed only asks for that; a worker does it, a second later or so. A customer whose
facts cannot be had is tried again later and later, and stops nobody else.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import QuerySet

from billing.clients.stripe import Facts, fetch
from billing.models import Account, Invoice, Price, Reversal, Subscription, SubscriptionItem, SubscriptionStatus
from billing.services.features import feature_was_bought
from billing.services.upkeep import upkeep_ask
from billing.terms.standing import PAID_FOR
from portal.core import clock
from portal.core.turns import Turn, claim
from provisioning.models import Instance, InstanceStatus
from provisioning.services.sending import send_on_commit

FETCH: Final = "billing.tasks.fetch_facts"
FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)
MOST_AT_ONCE: Final = 20  # so that a task ends long before its time limit
OWED: Final = {"open", "uncollectible"}
UNPAID: Final = {SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID}
log = structlog.get_logger(__name__)


def accounts_ask(accounts: QuerySet[Account]) -> int:
    """The facts of these customers are due; answers of how many. Rows are locked in the order in which events do."""
    now = clock.now()
    with transaction.atomic():
        keys = list(accounts.select_for_update().order_by("pk").values_list("pk", flat=True))
        send_on_commit(FETCH)
        return Account.objects.filter(pk__in=keys).update(asked_at=now, due_at=now)


def accounts_go_on(*, most: int = MOST_AT_ONCE) -> int:
    """Facts that are due have been fetched, each customer's apart; answers of how many."""
    done = 0
    while done < most and (turn := claim(Account.objects.all())):
        _refresh(turn)
        done += 1
    return done


def _refresh(turn: Turn[Account]) -> None:
    """The account's facts are as Stripe has them now, or will be tried for again."""
    try:
        facts = fetch(turn.row.stripe_id)
        with transaction.atomic():
            _write(turn, facts)
    except Exception as error:
        log.warning("facts.failed", account=turn.row.pk, error=str(error), exc_info=True)
        turn.postpone(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(turn.row.failures, 16)), error)


def _write(turn: Turn[Account], facts: Facts) -> None:
    """Nothing, where a later turn has been taken. What was asked for meanwhile stays due."""
    account = turn.ours().select_for_update(of=("self",)).first()
    if account is None:
        return
    _subscriptions(account, facts)
    _invoices(account, facts.invoices)
    _reversals(account, facts.reversals)
    account.fetched_at, account.failures, account.error = clock.now(), 0, ""
    account.due_at = turn.asked_meanwhile(account)
    account.save(update_fields=["fetched_at", "failures", "error", "due_at"])
    upkeep_ask(Instance.objects.filter(organization=account.organization_id).exclude(status=InstanceStatus.DELETED))


def _subscriptions(account: Account, facts: Facts) -> None:
    kept, items, unpaid = set[str](), set[str](), _unpaid(facts.invoices)
    prices = dict(Price.objects.exclude(stripe_id="").values_list("stripe_id", "lookup_key"))
    plans = dict(Price.objects.exclude(stripe_id="").exclude(plan=None).values_list("stripe_id", "plan"))
    ours = set(Instance.objects.filter(organization=account.organization_id).values_list("pk", flat=True))
    for each in facts.subscriptions:
        instance = (each["metadata"] or {}).get("instance")
        kept.add(each["id"])
        row, _ = Subscription.objects.update_or_create(
            stripe_id=each["id"],
            defaults={
                **as_subscription(each),
                "account": account,
                "instance_id": instance if instance in ours else None,
            },
        )
        _note_unpaid(row, unpaid.get(each["id"]))
        later = _next_quantities(each)
        _note_next_plan(row, each, plans, later)
        for item in each["items"]["data"]:
            items.add(item["id"])
            known = {
                "subscription": row,
                "price_id": prices.get(item["price"]["id"]),
                "quantity": item["quantity"],
                "next_quantity": _next_quantity(item["price"]["id"], later, plans),
            }
            kept_item, is_new = SubscriptionItem.objects.update_or_create(stripe_id=item["id"], defaults=known)
            if is_new and row.status in PAID_FOR:
                _note_bought(row, kept_item)
    SubscriptionItem.objects.filter(subscription__account=account).exclude(pk__in=items).delete()
    Subscription.objects.filter(account=account).exclude(pk__in=kept).delete()


def _note_bought(subscription: Subscription, item: SubscriptionItem) -> None:
    """Whoever buys a feature wants it on."""
    if subscription.instance and item.price and item.price.feature:
        feature_was_bought(subscription.instance, item.price.feature, max(1, item.quantity))


def as_subscription(each: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of Subscription that say what Stripe says of one."""
    items = each["items"]["data"]
    return {
        "status": each["status"],
        "collection": each["collection_method"],
        "currency": each["currency"],
        "interval": items[0]["price"]["recurring"]["interval"],
        "period_ends_at": _moment(min(item["current_period_end"] for item in items)),
        "trial_ends_at": _moment(each["trial_end"]),
        "cancel_at": _moment(each["cancel_at"]),
        "ended_at": _moment(each["ended_at"]),
        "created_at": _moment(each["created"]),
    }


def _next_quantities(each: Mapping[str, Any]) -> dict[str, int]:
    """How many of each price there will be from the next period on, where a schedule says so."""
    schedule = each["schedule"]
    if not isinstance(schedule, Mapping) or schedule["status"] != "active" or not schedule["current_phase"]:
        return {}
    later = [phase for phase in schedule["phases"] if phase["start_date"] >= schedule["current_phase"]["end_date"]]
    if not later:
        return {}
    there = {item["price"]["id"]: 0 for item in each["items"]["data"]}
    return {**there, **{_id(item["price"]): item["quantity"] for item in later[0]["items"]}}


def _next_quantity(price: str, later: Mapping[str, int], plans: Mapping[str, str]) -> int | None:
    """Of an item; a plan goes on as another plan, with as many seats as that has."""
    quantity = later.get(price)
    if quantity or price not in plans:
        return quantity
    return next((count for other, count in later.items() if other in plans and count), quantity)


def _note_next_plan(
    row: Subscription, each: Mapping[str, Any], plans: Mapping[str, str], later: Mapping[str, int]
) -> None:
    now = {plans.get(item["price"]["id"]) for item in each["items"]["data"]}
    then = {plans[price] for price, count in later.items() if price in plans and count}
    wanted = next(iter(then - now), None)
    if row.next_plan_id != wanted:
        row.next_plan_id = wanted
        row.save(update_fields=["next_plan"])


def _id(thing: Any) -> str:
    """Of what Stripe tells whole, or by its id alone."""
    return str(thing["id"] if isinstance(thing, Mapping) else thing)


def _unpaid(invoices: Iterable[Mapping[str, Any]]) -> dict[str, datetime]:
    """Since when the oldest unpaid invoice of each subscription is owed."""
    since = dict[str, datetime]()
    for invoice in map(_invoice, invoices):
        if invoice["status"] in OWED:
            owed = invoice["due_at"] or invoice["created_at"]
            since[invoice["subscription_id"]] = min(owed, since.get(invoice["subscription_id"], owed))
    return since


def _note_unpaid(row: Subscription, since: datetime | None) -> None:
    """Stripe leaves no open invoice where it has given up: then it is owed since we first heard of it."""
    if row.status not in UNPAID:
        since = None
    elif since is None:
        since = row.unpaid_since or clock.now()
    if since != row.unpaid_since:
        row.unpaid_since = since
        row.save(update_fields=["unpaid_since"])


def _invoices(account: Account, found: Iterable[Mapping[str, Any]]) -> None:
    kept = set[str]()
    for each in found:
        kept.add(each["id"])
        Invoice.objects.update_or_create(stripe_id=each["id"], defaults={**_invoice(each), "account": account})
    Invoice.objects.filter(account=account).exclude(pk__in=kept).delete()


def _reversals(account: Account, found: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]]) -> None:
    kept = set[str]()
    for charge, dispute in found:
        kept.add(charge["id"])
        fields = {
            "account": account,
            "currency": charge["currency"],
            "amount": charge["amount"],
            "refunded": charge["amount_refunded"],
            "dispute": dispute["status"] if dispute else "",
            "answer_by": _moment((dispute["evidence_details"] or {}).get("due_by")) if dispute else None,
            "charged_at": _moment(charge["created"]),
        }
        Reversal.objects.update_or_create(stripe_id=charge["id"], defaults=fields)
    Reversal.objects.filter(account=account).exclude(pk__in=kept).delete()


def _invoice(each: Mapping[str, Any]) -> dict[str, Any]:
    details = ((each["parent"] or {}).get("subscription_details")) or {}
    return {
        "subscription_id": details.get("subscription") or "",
        "number": each["number"] or "",
        "status": each["status"] or "draft",
        "currency": each["currency"],
        "total": each["total"],
        "remaining": each["amount_remaining"],
        "attempts": each["attempt_count"],
        "next_attempt_at": _moment(each["next_payment_attempt"]),
        "due_at": _moment(each["due_date"]),
        "created_at": _moment(each["created"]),
        "url": each["hosted_invoice_url"] or "",
    }


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
