"""A month in which an instance answered less than its plan promises becomes a credit that a person approves.

It is proposed once the month is over, from the days that the prober has summed up. Approved, it is given by a worker as
a balance of the customer's at Stripe, which their next invoice takes into account.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Sum

from billing.clients.stripe import asking
from billing.models import Interval, SlaCredit, Subscription, SubscriptionStatus
from billing.services.telling import WHO_PAYS, tell_members
from billing.terms.money import money
from billing.terms.sla import credit, in_words, is_broken, reached
from portal.core import clock, mail
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.turns import Turn, claim
from provisioning.health.slo import Uptime
from provisioning.models import Instance, UptimeDay
from provisioning.services.sending import send_on_commit

GIVE: Final = "billing.tasks.give_credits"
GIVEN: Final = "sla-credit"
SETTLED_DAYS: Final = 2  # of the new month, so that the last day is summed up for good
MONTHS_IN_A_YEAR: Final = 12
RETRY: Final = timedelta(minutes=10)
PAYING: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
State = SlaCredit.State
log = structlog.get_logger(__name__)


def register() -> None:
    """The kind of mail is known."""
    mail.register(GIVEN)


def credits_propose() -> int:
    """Every broken promise of the last month is proposed as a credit, once; answers how many are new.

    It may run any number of times. Nothing before the new month's second day.
    """
    today = clock.now().date()
    if today.day < SETTLED_DAYS:
        return 0
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    known = set(SlaCredit.objects.filter(month=month).values_list("instance", flat=True))
    found = [each for each in _broken(month, today.replace(day=1)) if each.instance_id not in known]
    SlaCredit.objects.bulk_create(found, ignore_conflicts=True)
    return len(found)


def credit_approve(*, proposed: SlaCredit, actor: Actor, reason: str = "") -> SlaCredit:
    """It will be given. Raises Conflict where that is decided already."""
    return _decide(proposed, State.APPROVED, actor, reason)


def credit_decline(*, proposed: SlaCredit, actor: Actor, reason: str) -> SlaCredit:
    """It is not given. Raises Invalid without a reason, Conflict where that is decided already."""
    if not reason.strip():
        raise Invalid("Say why not.", field="reason")
    return _decide(proposed, State.DECLINED, actor, reason)


def credits_go_on() -> int:
    """Approved credits are given at Stripe, each apart; answers how many were tried."""
    done = 0
    while turn := claim(SlaCredit.objects.filter(state=State.APPROVED)):
        _give(turn)
        done += 1
    return done


def _broken(first: date, beyond: date) -> Iterator[SlaCredit]:
    days = UptimeDay.objects.filter(day__gte=first, day__lt=beyond).order_by()
    sums = days.values_list("instance").annotate(Sum("watched_seconds"), Sum("down_seconds"), Sum("planned_seconds"))
    seen = {instance_id: Uptime(*seconds) for instance_id, *seconds in sums}
    paying = Subscription.objects.filter(status__in=PAYING, instance__in=list(seen)).select_related("account")
    for subscription in paying.prefetch_related("items__price__plan"):
        plan = next((i.price.plan for i in subscription.items.all() if i.price and i.price.plan), None)
        instance_id = str(subscription.instance_id)
        uptime = seen[instance_id]
        if plan and is_broken(uptime, plan.uptime_promise):
            yield SlaCredit(
                instance_id=instance_id,
                account=subscription.account,
                plan=plan,
                month=first,
                promised=plan.uptime_promise,
                reached=reached(uptime) or 0,
                amount=credit(_monthly(subscription), plan.credit_percent),
                currency=subscription.currency,
                due_at=None,
            )


def _monthly(subscription: Subscription) -> int:
    """What all of it costs a month by its prices, in minor units."""
    whole = sum(item.price.unit_amount * item.quantity for item in subscription.items.all() if item.price)
    return whole // MONTHS_IN_A_YEAR if subscription.interval == Interval.YEAR else whole


@transaction.atomic
def _decide(proposed: SlaCredit, state: str, actor: Actor, reason: str) -> SlaCredit:
    row = SlaCredit.objects.select_for_update(of=("self",)).select_related("instance").get(pk=proposed.pk)
    if row.state != State.PROPOSED:
        raise Conflict(f"This credit is {row.state} already.")
    now = clock.now()
    row.state, row.decided_by, row.decided_at, row.reason = state, actor.user, now, reason
    row.asked_at, row.due_at = now, now if state == State.APPROVED else None
    row.save()
    details = {"month": f"{row.month:%Y-%m}", "amount": row.amount, "currency": row.currency}
    organization = row.instance.organization_id
    record(f"sla.{state}", row, organization_id=organization, actor=actor, reason=reason, details=details)
    if state == State.APPROVED:
        send_on_commit(GIVE)
    return row


def _give(turn: Turn[SlaCredit]) -> None:
    """At Stripe it is there once, however often this is tried: the key is the credit's own."""
    row = turn.row
    try:
        said = f"{in_words(row.reached)} uptime in {row.month:%B %Y}; {in_words(row.promised)} were promised"
        wanted = {"amount": -row.amount, "currency": row.currency, "description": said}
        with asking() as api:
            made = api.customers.balance_transactions.create(
                row.account.stripe_id, wanted, {"idempotency_key": f"sla-credit-{row.pk}"}
            )
    except Exception as error:
        log.warning("credit not given", credit=row.pk, error=str(error), exc_info=True)
        turn.postpone(RETRY, error)
        return
    with transaction.atomic():
        given = {"state": State.GIVEN, "stripe_id": made.id, "due_at": None, "failures": 0, "error": ""}
        if turn.ours().update(**given):
            _tell(row)


def _tell(row: SlaCredit) -> None:
    instance = Instance.objects.get(pk=row.instance_id)
    context = {
        "month": f"{row.month:%B %Y}",
        "reached": in_words(row.reached),
        "promised": in_words(row.promised),
        "amount": money(row.amount, row.currency),
    }
    tell_members(GIVEN, instance, f"{row.pk}", WHO_PAYS, context)
    record("sla.given", row, organization_id=instance.organization_id, actor_label="billing", details=context)
