"""Trials are asked for: one starts where there is room, else its organization waits for its turn (docs/trials.md).

Whoever asks, starts or drains holds the policy's row meanwhile, so that of two who want the last place one waits.
"""

from typing import Any, Final

import structlog
from django.db import transaction

from billing.models import TrialRequest
from billing.selectors.trials import (
    REFUSED,
    State,
    Waiting,
    may_repeat,
    trial_refusal,
    waiting_list,
    waiting_of,
    who_can_start,
    why_no_room,
)
from billing.services.trial_mail import tell_of_place, tell_of_refusal, tell_of_taken_name
from billing.services.trials import DRAIN, policy_locked
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid, ServiceError
from portal.core.models import Organization, Role, User
from portal.core.rights import is_manager, one_of_us
from provisioning.models import Instance, Kind, OperationKind
from provisioning.services import trial_start
from provisioning.services.instances import Wish, check_wish
from provisioning.services.sending import send_on_commit

MOST_AT_ONCE: Final = 50  # so that a task ends long before its time limit
BY: Final = Actor(None, "waiting list")
MAKES_ROOM: Final = (OperationKind.TEARDOWN, OperationKind.SUSPEND)
log = structlog.get_logger(__name__)


def trial_ask(*, organization: Organization, slug: str, region: str, actor: Actor) -> Instance | Waiting:
    """The organization's trial comes up, where there is room after all who wait; else it waits, and who asked is told.

    Where it waits already, that is what it wishes for now, and it keeps its place. Who is no customer takes nobody's
    place, and so waits for none. Raises Invalid for a name or region
    that cannot be had, Conflict where it may have no trial.
    """
    if actor.user is None:
        raise Invalid("A trial is asked for by a person.")
    with transaction.atomic():
        policy = policy_locked()
        _check_allowed(organization)
        check_wish(Wish(slug, Kind.TRIAL, region))
        if mine := waiting_list().select_for_update(of=("self",)).filter(organization=organization).first():
            _change(mine, slug, region, actor)
        elif not organization.is_synthetic and why_no_room(policy, ahead=who_can_start().count()):
            _queue(organization, slug, region, actor, actor.user)
        else:
            again = may_repeat(organization)
            return trial_start(organization=organization, slug=slug, region=region, actor=actor, may_repeat=again)
        return _place(organization)


def trial_withdraw(*, request: TrialRequest, actor: Actor) -> TrialRequest:
    """Its organization waits no longer. Raises Conflict when its turn has come, or it was taken off the list."""
    with transaction.atomic():
        row = _locked(request)
        _decide(row, State.WITHDRAWN, actor)
        record("trial.withdraw", row, organization_id=row.organization_id, actor=actor)
    return row


def trial_request_start(*, request: TrialRequest, actor: Actor, reason: str) -> Instance:
    """The trial comes up now, whoever has waited longer. Beyond the caps only a manager may do that.

    Raises Forbidden for others, Invalid without a reason or for a name that is taken meanwhile, Conflict when it does
    not wait any more, may have no trial, or trials are closed.
    """
    _check_ours(actor, reason)
    with transaction.atomic():
        policy = policy_locked()
        row = _locked(request)
        if not policy.is_open:
            raise Conflict("Trials are closed. Open them first, in the policy for trials.")
        full = why_no_room(policy)
        if full and not is_manager(actor.user):
            raise Forbidden(f"{full} Ask a sales manager to start one beyond that.")
        return _start(row, actor, reason)


def trial_request_refuse(*, request: TrialRequest, actor: Actor, reason: str) -> TrialRequest:
    """Its organization gets no trial, until it is allowed one, and who asked is told so; the reason stays with us.

    Raises Forbidden for others than our people, Invalid without a reason, Conflict when it does not wait any more.
    """
    _check_ours(actor, reason)
    with transaction.atomic():
        row = _locked(request)
        row.note, row.reason = REFUSED, reason.strip()
        _decide(row, State.REFUSED, actor)
        record("trial.refuse", row, organization_id=row.organization_id, actor=actor, reason=reason)
        tell_of_refusal(row)
    return row


def operation_ended(operation: Any, **_signal: Any) -> None:
    """Receives provisioning's `operation_finished`: a trial that is gone or asleep leaves its place to another."""
    if operation.kind in MAKES_ROOM:
        send_on_commit(DRAIN)


def waiting_list_drain() -> int:
    """Who waits has a trial coming up, in order, as far as there is room, each apart; answers how many."""
    started, tried = 0, list[int]()
    while started < MOST_AT_ONCE and (request := who_can_start().exclude(pk__in=tried).first()):
        tried.append(request.pk)
        try:
            with transaction.atomic():
                if why_no_room(policy_locked()):
                    break
                started += _take_turn(request)
        except ServiceError as error:
            _put_aside(request, error)
        except Exception:
            log.exception("trial.not_started", request=request.pk)
    return started


def _take_turn(request: TrialRequest) -> bool:
    """False when somebody else has it, or it waits no longer."""
    rows = who_can_start().select_for_update(of=("self",), skip_locked=True)
    row = rows.filter(pk=request.pk).first()
    if row is None:
        return False
    _start(row, BY, "")
    return True


def _start(row: TrialRequest, actor: Actor, reason: str) -> Instance:
    """The trial comes up in the name of whoever asked for it. The policy and the request are locked."""
    organization = row.organization
    _check_allowed(organization)
    asker = _asker(row)
    row.instance = trial_start(
        organization=organization,
        slug=row.slug,
        region=row.region,
        actor=Actor(asker, f"{asker.email} (waiting list)"[:254]),
        may_repeat=may_repeat(organization),
    )
    row.note, row.reason = "", reason.strip()
    _decide(row, State.STARTED, actor)
    details = {"instance": row.instance.pk}
    record("trial.start", row, organization_id=organization.pk, actor=actor, reason=reason, details=details)
    return row.instance


def _asker(row: TrialRequest) -> User:
    """Who asked, while they belong to the organization; then whoever has owned it longest."""
    members = row.organization.memberships.filter(user__is_active=True).select_related("user")
    asked = members.filter(user=row.requested_by_id).first()
    found = asked or members.filter(role=Role.OWNER).order_by("created_at").first()
    if found is None:
        raise Conflict("Nobody of your organization is left who could run a trial.")
    return found.user


def _put_aside(request: TrialRequest, error: ServiceError) -> None:
    """What only its people can change is said to them; what we have to mend leaves it where it is."""
    with transaction.atomic():
        row = who_can_start().select_for_update(of=("self",)).filter(pk=request.pk).first()
        if row is None:
            return
        if error.field == "slug":
            row.note = str(error)
            row.save(update_fields=["note"])
            tell_of_taken_name(row)
        elif isinstance(error, Conflict):
            row.note = row.reason = str(error)
            _decide(row, State.REFUSED, BY)
            record("trial.refuse", row, organization_id=row.organization_id, actor=BY, reason=row.reason)
            tell_of_refusal(row)
        else:
            log.warning("trial.not_started", request=row.pk, error=str(error))


def _queue(organization: Organization, slug: str, region: str, actor: Actor, asker: User) -> None:
    row = TrialRequest.objects.create(organization=organization, slug=slug, region=region, requested_by=asker)
    details = {"slug": slug, "region": region}
    record("trial.wait", row, organization_id=organization.pk, actor=actor, details=details)
    tell_of_place(_place(organization))
    send_on_commit(DRAIN)


def _change(row: TrialRequest, slug: str, region: str, actor: Actor) -> None:
    if (row.slug, row.region, row.note) == (slug, region, ""):
        return
    row.slug, row.region, row.note = slug, region, ""
    row.save(update_fields=["slug", "region", "note"])
    details = {"slug": slug, "region": region}
    record("trial.wish", row, organization_id=row.organization_id, actor=actor, details=details)
    send_on_commit(DRAIN)


def _place(organization: Organization) -> Waiting:
    place = waiting_of(organization)
    if place is None:
        raise Conflict("Your organization does not wait for a trial any more.")
    return place


def _decide(row: TrialRequest, state: State, actor: Actor) -> None:
    row.state, row.decided_at, row.decided_by = state, clock.now(), actor.user
    row.save(update_fields=["state", "decided_at", "decided_by", "note", "reason", "instance"])


def _locked(request: TrialRequest) -> TrialRequest:
    row = TrialRequest.objects.select_for_update(of=("self",)).select_related("organization").get(pk=request.pk)
    if row.state != State.WAITING:
        raise Conflict(f"This request is {row.state}: it does not wait any more.")
    return row


def _check_allowed(organization: Organization) -> None:
    if refusal := trial_refusal(organization):
        raise Conflict(refusal)


def _check_ours(actor: Actor, reason: str) -> None:
    one_of_us(actor)
    if not reason.strip():
        raise Invalid("Say why.", field="reason")
