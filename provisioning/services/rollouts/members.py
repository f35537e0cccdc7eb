"""What people do to one member of a rollout: leave it out, or put it off."""

from datetime import datetime

from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.members import latest_postponement
from provisioning.fleet.windows import in_words as time_in_words
from provisioning.fleet.windows import window_of
from provisioning.models import Rollout, RolloutMember
from provisioning.services.rollouts.states import check_reason, in_words, taken

Status = RolloutMember.Status
SKIPPABLE = {Status.PLANNED, Status.FAILED}


def rollout_skip(*, member: RolloutMember, actor: Actor, reason: str) -> RolloutMember:
    """The rollout leaves the instance as it is. A reason is required.

    A failed one no longer counts against its gate; of a rollout that is taken back, who is done keeps what they have.
    Raises Conflict for a member that runs or is settled.
    """
    check_reason(reason, "the instance is left out")
    with transaction.atomic():
        rollout, row = _taken(member, "skipped")
        is_going_back = rollout.status == Rollout.Status.ROLLING_BACK
        if row.status not in (SKIPPABLE | {Status.DONE} if is_going_back else SKIPPABLE):
            raise Conflict(f"This member is {in_words(row)}; it cannot be skipped.")
        was, row.status, row.skipped_because = row.status, Status.SKIPPED, reason
        row.waiting_for, row.finished_at = "", clock.now()
        row.save(update_fields=["status", "skipped_because", "waiting_for", "finished_at"])
        _tell("rollout.skip", row, rollout, actor, reason, was=was)
    return row


def member_postpone(*, member: RolloutMember, until: datetime | None, actor: Actor, reason: str = "") -> RolloutMember:
    """Its turn does not come before `until`; None: as soon as it may.

    It can be put off for so many days from when its turn came, by the policy it was made with, and not in an
    emergency. Raises Invalid or Conflict.
    """
    with transaction.atomic():
        rollout, row = _taken(member, "postponed")
        if row.status != Status.PLANNED:
            raise Conflict(f"It is {in_words(row)} already, and cannot be put off any more.")
        if until is not None:
            _check(row, rollout, until)
        row.not_before = until
        row.save(update_fields=["not_before"])
        _tell("rollout.postpone", row, rollout, actor, reason, until=until.isoformat() if until else None)
    return row


def _taken(member: RolloutMember, deed: str) -> tuple[Rollout, RolloutMember]:
    rollout = taken(member.rollout_id, deed)
    rows = rollout.members.select_for_update(of=("self",), no_key=True).select_related("stage", "instance")
    return rollout, rows.get(pk=member.pk)


def _check(member: RolloutMember, rollout: Rollout, until: datetime) -> None:
    now = clock.now()
    if rollout.is_emergency:
        raise Conflict("This is urgent, and cannot be put off. Talk to us if it comes at a bad time.")
    if until <= now:
        raise Invalid("Choose a moment in the future.", field="until")
    latest = latest_postponement(member, rollout, now)
    if until > latest:
        zone = window_of(member.instance).zone
        raise Invalid(f"It can be put off until {time_in_words(latest, zone)} at the latest.", field="until")


def _tell(action: str, member: RolloutMember, rollout: Rollout, actor: Actor, reason: str, **details: object) -> None:
    record(
        action,
        member,
        organization_id=member.instance.organization_id,
        actor=actor,
        reason=reason,
        details={"rollout": rollout.pk, "brings": str(rollout), "instance": member.instance_id, **details},
    )
