"""Our people ask to look into an instance; its own people agree, refuse and end it. Nobody has access otherwise.

Reasons: decision 21. Every deed is in the audit of the customer, with who and why.
"""

from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.models import User
from portal.core.selectors import runners_of
from provisioning.access_mail import access_asked, access_decided, access_opened
from provisioning.fleet.access import LAPSES_AFTER, is_asked, is_open
from provisioning.models import Access, Instance, InstanceStatus, Tenancy
from provisioning.models.access import FEWEST_MINUTES, MOST_MINUTES

State = Access.State
BY_ITSELF: Final = "the portal"
MOST_AT_ONCE: Final = 500
RELATED: Final = ("instance__organization", "asked_by")


def access_ask(*, instance: Instance, reason: str, ticket: str, minutes: int, actor: Actor) -> Access:
    """The access is asked for, and the owners and admins of the instance know by mail.

    Raises Forbidden for whoever is not of our staff, Invalid for a byok instance or without a reason, a ticket or a
    number of minutes that may be asked for, Conflict when the person has asked already or the instance is deleted.
    """
    who = _staff(actor)
    _check(instance, reason, ticket, minutes)
    try:
        with transaction.atomic():
            _settle(Access.objects.filter(instance=instance, asked_by=who))
            access = Access.objects.create(
                instance=instance, asked_by=who, reason=reason.strip(), ticket=ticket.strip(), minutes=minutes
            )
            _tell("ask", access, actor, access.reason, {"minutes": minutes})
            access_asked(access)
    except IntegrityError:
        raise Conflict("You have asked for this already: see Access.") from None
    return access


@transaction.atomic
def access_withdraw(*, access: Access, actor: Actor, reason: str = "") -> Access:
    """It is asked for no longer. Anybody of our staff may do that. Conflict once it is answered, or has lapsed."""
    who = _staff(actor)
    return _decide(_asked(access), State.WITHDRAWN, who if who.pk != access.asked_by_id else None, actor, reason)


@transaction.atomic
def access_grant(*, access: Access, actor: Actor, reason: str = "") -> Access:
    """Whoever asked may look from now on, for as long as they asked; they know by mail.

    Raises Forbidden for whoever does not run the organization's instances, and for whoever asked; Conflict once it is
    answered, has lapsed, or when the instance is deleted.
    """
    row = _asked(access)
    decided = _open(row, _runner(row, actor), actor, reason)
    access_decided(decided)
    return decided


@transaction.atomic
def access_refuse(*, access: Access, actor: Actor, reason: str = "") -> Access:
    """Nobody may look by it; whoever asked knows by mail. Raises as `access_grant` does."""
    row = _asked(access)
    decided = _decide(row, State.REFUSED, _runner(row, actor), actor, reason)
    access_decided(decided)
    return decided


@transaction.atomic
def access_break_glass(*, access: Access, actor: Actor, reason: str) -> Access:
    """Whoever asked may look although the customer has not answered; their owners and admins are told at once.

    Raises Forbidden unless it is a second one of our staff, Invalid without a reason, Conflict as `access_grant` does.
    """
    who, row = _staff(actor), _asked(access)
    if not reason.strip():
        raise Invalid("Say why it cannot wait. The customer reads it.", field="reason")
    decided = _open(row, who, actor, reason, is_break_glass=True)
    access_opened(decided)
    access_decided(decided)
    return decided


@transaction.atomic
def access_end(*, access: Access, actor: Actor, reason: str = "") -> Access:
    """Nobody looks by it any more, from now on. Either side may end it. Raises Conflict when it is not open."""
    row = _locked(access)
    who = _either_side(row, actor)
    if not is_open(row, clock.now()):
        raise Conflict("This access has ended already.")
    row.state, row.ended_at, row.ended_by = State.ENDED, clock.now(), who
    row.save(update_fields=["state", "ended_at", "ended_by"])
    _tell("end", row, actor, reason)
    return row


@transaction.atomic
def accesses_settle() -> int:
    """What time has ended or made lapse is written down, a part of it at a time; answers how many were."""
    return _settle(Access.objects.all())


def _check(instance: Instance, reason: str, ticket: str, minutes: int) -> None:
    if instance.tenancy == Tenancy.BYOK:
        raise Invalid("It runs in a cluster of the customer's own: ask them to show you what you need to see.")
    _raise_if_deleted(instance)
    if not reason.strip():
        raise Invalid("Say why you have to look. The customer reads it.", field="reason")
    if not ticket.strip():
        raise Invalid("Name the ticket that it is about.", field="ticket")
    if not FEWEST_MINUTES <= minutes <= MOST_MINUTES:
        raise Invalid(f"Ask for {FEWEST_MINUTES} to {MOST_MINUTES} minutes.", field="minutes")


def _settle(accesses: QuerySet[Access]) -> int:
    now = clock.now()
    stale = accesses.filter(state=State.ASKED, asked_at__lte=now - LAPSES_AFTER)
    over = accesses.filter(state=State.GRANTED, ends_at__lte=now)
    return _written_down(stale, State.LAPSED) + _written_down(over, State.ENDED)


def _written_down(accesses: QuerySet[Access], state: str) -> int:
    rows = list(accesses.select_related(*RELATED).select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE])
    for row in rows:
        row.state = state
        row.ended_at = row.ends_at if state == State.ENDED else None
        row.save(update_fields=["state", "ended_at"])
        _tell("end" if state == State.ENDED else "lapse", row, None, "")
    return len(rows)


def _locked(access: Access) -> Access:
    return Access.objects.select_for_update(of=("self",)).select_related(*RELATED).get(pk=access.pk)


def _asked(access: Access) -> Access:
    """The row, held. Raises Conflict unless it waits for an answer."""
    row = _locked(access)
    if not is_asked(row, clock.now()):
        raise Conflict("This is not waiting for an answer any more.")
    return row


def _open(row: Access, who: User, actor: Actor, reason: str, *, is_break_glass: bool = False) -> Access:
    _raise_if_deleted(row.instance)
    if who.pk == row.asked_by_id:
        raise Forbidden("Nobody agrees to what they have asked for themselves.")
    row.ends_at, row.is_break_glass = clock.now() + timedelta(minutes=row.minutes), is_break_glass
    return _decide(row, State.GRANTED, who, actor, reason)


def _decide(row: Access, state: str, who: User | None, actor: Actor, reason: str) -> Access:
    row.state, row.decided_by, row.decided_at, row.decided_reason = state, who, clock.now(), reason.strip()
    row.save(update_fields=["state", "decided_by", "decided_at", "decided_reason", "ends_at", "is_break_glass"])
    until = {"ends_at": row.ends_at.isoformat()} if row.ends_at else {}
    _tell(_verb(row), row, actor, reason, until)
    return row


def _verb(row: Access) -> str:
    verbs: dict[str, str] = {State.WITHDRAWN: "withdraw", State.REFUSED: "refuse", State.GRANTED: "grant"}
    return "break-glass" if row.is_break_glass else verbs[row.state]


def _staff(actor: Actor) -> User:
    if actor.user is None or not actor.user.is_active or not actor.user.is_staff:
        raise Forbidden("Only somebody who runs the fleet can do this.")
    return actor.user


def _runner(row: Access, actor: Actor) -> User:
    found = runners_of(row.instance.organization).filter(pk=actor.user.pk).first() if actor.user else None
    if found is None:
        raise Forbidden("Only an owner or an admin of the organization can do this.")
    return found


def _either_side(row: Access, actor: Actor) -> User:
    try:
        return _staff(actor)
    except Forbidden:
        return _runner(row, actor)


def _raise_if_deleted(instance: Instance) -> None:
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted: there is nothing to look into.")


def _tell(verb: str, access: Access, actor: Actor | None, reason: str, details: dict[str, Any] | None = None) -> None:
    record(
        f"access.{verb}",
        access,
        organization_id=access.instance.organization_id,
        actor=actor,
        actor_label="" if actor else BY_ITSELF,
        reason=reason.strip(),
        details={
            "instance": access.instance_id,
            "asked_by": access.asked_by.email,
            "ticket": access.ticket,
            **(details or {}),
        },
    )
