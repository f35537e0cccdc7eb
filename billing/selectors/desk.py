"""What sales sees of customers: all of them, one of them whole, and what needs a person today. Not for customers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Exists, F, IntegerField, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from billing.models import Reversal, Sale, SeatOveruse, Subscription, TrialRequest, Upkeep
from billing.terms.money import money
from billing.terms.standing import PAID_FOR, State
from portal.core import clock
from portal.core.models import Organization
from provisioning.fleet.figures import ACTIVE_WEEK
from provisioning.models import Instance, InstanceStatus, Kind, Usage

WEEK: Final = timedelta(days=7)
SOON: Final = timedelta(days=3)
LIVING: Final = ~Q(status=InstanceStatus.DELETED)
TROUBLED: Final = (State.GRACE, State.UNPAID, State.PAUSED, State.TRIAL_ENDED, State.ENDED)


class Show(StrEnum):
    """Which customers are listed."""

    ALL = "all"
    TRIALS = "trials"
    PAYING = "paying"
    TROUBLE = "trouble"


class Order(StrEnum):
    NAME = "name"
    DAYS_LEFT = "days left"
    ACTIVITY = "activity"


OPEN_DISPUTES: Final = ("needs_response", "warning_needs_response")


@dataclass(frozen=True)
class Case:
    """Something that a person has to see to: about whom, what, since or until when."""

    organization: Organization
    instance: Instance | None
    what: str
    why: str
    at: datetime | None


def customers(show: Show = Show.ALL, order: Order = Order.NAME, wanted: str = "") -> QuerySet[Organization]:
    """Organizations with what their rows need; `wanted` is looked for in names, domains, addresses and ids."""
    mine = Instance.objects.filter(LIVING, organization=OuterRef("pk"))
    rows = Organization.objects.filter(is_synthetic=False).annotate(
        trial_ends_at=Min(
            "instances__trial_ends_at", filter=Q(instances__kind=Kind.TRIAL) & ~Q(instances__status="deleted")
        ),
        seen_at=Max("members__last_login"),
    )
    if order == Order.ACTIVITY:
        rows = rows.annotate(active=_active(clock.now()))
    if show == Show.TRIALS:
        rows = rows.filter(Exists(mine.filter(kind=Kind.TRIAL)))
    elif show == Show.PAYING:
        rows = rows.filter(Exists(mine.filter(subscriptions__status__in=PAID_FOR)))
    elif show == Show.TROUBLE:
        rows = rows.filter(Exists(mine.filter(upkeep__state__in=TROUBLED)))
    if wanted := wanted.strip():
        rows = rows.filter(_matching(wanted))
    living = (
        Instance.objects.filter(LIVING).select_related("size", "release", "upkeep").prefetch_related(_subscriptions())
    )
    return rows.prefetch_related(Prefetch("instances", living, to_attr="living")).order_by(*_ordered(order))


def living_of(organization: Organization) -> list[Instance]:
    """The instances of a row of `customers` that are not deleted."""
    found: list[Instance] = organization.living  # type: ignore[attr-defined] # set by the prefetch
    return found


def cases(now: datetime) -> list[Case]:
    """What needs a person today, the most urgent kind first. Seven queries, however much there is."""
    found = (*_sales(), *_disputed(), *_unpaid(), *_ending(now), *_stuck(), *_overused(), *_waiting())
    return [case for case in found if not case.organization.is_synthetic]


def _matching(wanted: str) -> Q:
    fields = ("name", "slug", "email_domain", "members__email", "instances__slug", "instances__domain", "instances__id")
    found = Q(account__stripe_id=wanted) | Q(pk=wanted)
    for field in fields:
        found |= Q(**{f"{field}__icontains": wanted})
    return Q(pk__in=Organization.objects.filter(found).values("pk"))


def _ordered(order: Order) -> Sequence[str | OrderBy]:
    """Those without a date come last, and so do those of whose use nothing is known."""
    if order == Order.NAME:
        return ["name"]
    if order == Order.DAYS_LEFT:
        return [F("trial_ends_at").asc(nulls_last=True), "name"]
    return [F("active").desc(nulls_last=True), F("seen_at").desc(nulls_last=True), "name"]


def _active(now: datetime) -> Subquery:
    """How many people have used an organization's instances in 7 days, by counts that are not older than that."""
    counts = Usage.objects.filter(instance=OuterRef("pk"), day__gt=now.date() - WEEK).order_by("-day")
    figure = Cast(KeyTextTransform(ACTIVE_WEEK, "figures"), IntegerField())
    newest = Subquery(counts.annotate(people=figure).values("people")[:1])
    living = Instance.objects.filter(LIVING, organization=OuterRef("pk")).order_by().annotate(people=newest)
    return Subquery(living.values("organization").annotate(total=Sum("people")).values("total"))


def _subscriptions() -> "Prefetch[str]":
    return Prefetch("subscriptions", Subscription.objects.prefetch_related("items__price"))


def _sales() -> Iterator[Case]:
    rows = Sale.objects.filter(state__in=[Sale.State.PROPOSED, Sale.State.APPROVED])
    for sale in rows.select_related("instance__organization", "proposed_by"):
        waits = sale.state == Sale.State.PROPOSED
        what = "A discount needs a second person" if waits else "A sale is not done yet"
        why = f"{sale.get_kind_display()}, {sale.percent_off} % off, by {sale.proposed_by}." if waits else sale.error
        yield Case(sale.instance.organization, sale.instance, what, why, sale.proposed_at)


def _disputed() -> Iterator[Case]:
    rows = Reversal.objects.filter(dispute__in=OPEN_DISPUTES).select_related("account__organization")
    for row in rows.order_by("answer_by"):
        why = f"{money(row.amount, row.currency)}. The bank wants an answer; give it in Stripe."
        yield Case(row.account.organization, None, "A charge is disputed", why, row.answer_by)


def _unpaid() -> Iterator[Case]:
    words = {
        State.GRACE: "A payment is missing",
        State.UNPAID: "Suspended unpaid",
        State.PAUSED: "Its payment is paused",
    }
    for upkeep in _upkeeps(state__in=list(words)):
        yield _case(upkeep, words[State(upkeep.state)], "It is suspended then." if upkeep.until else "", upkeep.until)


def _ending(now: datetime) -> Iterator[Case]:
    near = Q(state=State.TRIAL, until__lte=now + SOON) | Q(state=State.ENDING, until__lte=now + SOON)
    for upkeep in _upkeeps(near | Q(delete_at__lte=now + SOON)):
        if upkeep.delete_at:
            yield _case(
                upkeep,
                "Its data is deleted soon",
                "Subscribing or extending it before then brings it back.",
                upkeep.delete_at,
            )
        elif upkeep.state == State.TRIAL:
            yield _case(upkeep, "A trial ends", "It is suspended then, unless they subscribe.", upkeep.until)
        else:
            yield _case(upkeep, "A subscription ends", "They have asked for that.", upkeep.until)


def _stuck() -> Iterator[Case]:
    for upkeep in _upkeeps(~Q(error="")):
        yield _case(upkeep, "It cannot be brought to what is paid for", upkeep.error, upkeep.due_at)


def _overused() -> Iterator[Case]:
    rows = SeatOveruse.objects.filter(ended_at__isnull=True).exclude(instance__status=InstanceStatus.DELETED)
    for row in rows.select_related("instance__organization").order_by("began_on"):
        why = f"{row.used} accounts, {row.paid} seats, since {row.began_on:%-d %B}. They know; nothing is blocked."
        yield Case(row.instance.organization, row.instance, "More seats are used than paid for", why, row.found_at)


def _waiting() -> Iterator[Case]:
    rows = TrialRequest.objects.filter(state=TrialRequest.State.WAITING).select_related("organization", "requested_by")
    for request in rows.order_by("requested_at", "pk"):
        yield Case(
            request.organization,
            None,
            "Waits for a trial",
            request.note or f"{request.requested_by} asked.",
            request.requested_at,
        )


def _upkeeps(*conditions: Q, **fields: object) -> QuerySet[Upkeep]:
    rows = Upkeep.objects.filter(*conditions, **fields).exclude(instance__status=InstanceStatus.DELETED)
    return rows.select_related("instance__organization").order_by("until", "delete_at")


def _case(upkeep: Upkeep, what: str, why: str, at: datetime | None) -> Case:
    return Case(upkeep.instance.organization, upkeep.instance, what, why, at)
