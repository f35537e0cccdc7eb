"""The end of an operation is the end of a member's turn, in the same transaction."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from portal.core import clock
from provisioning.fleet.members import has_target
from provisioning.models import Operation, OperationKind, OperationStatus, Rollout, RolloutMember
from provisioning.models.operations import LIVE
from provisioning.services.rollouts.begin import operation_that_follows

Status = RolloutMember.Status
LATELY = timedelta(days=2)
KINDS = {
    OperationKind.UPGRADE,
    OperationKind.ROLLBACK,
    OperationKind.RESTORE,
    OperationKind.MIGRATE_ARCHITECTURE,
    OperationKind.TEARDOWN,
}
CONCERNED = [Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.SUCCEEDED, Rollout.Status.ROLLING_BACK]


def member_ended(operation: Operation, **_: Any) -> None:
    """Receives `operation_finished`: the member whose operation it was stands where it has come to.

    So does one whose instance somebody changed by hand: with the target it is done, without it no longer.
    """
    if operation.kind not in KINDS:
        return
    own, by_hand = Q(operation=operation), Q(instance=operation.instance_id, rollout__status__in=CONCERNED)
    for member in _taken(own | by_hand):
        if member.operation_id == operation.pk:
            _own_ended(member, operation)
        else:
            _changed_by_hand(member, operation)


@transaction.atomic
def settle_ended() -> None:
    """Whoever counts as under way although the operation has ended, or is gone, is settled: a cancelled one, say.

    One query when there is none. Rollouts that ended long ago have nobody under way any more.
    """
    lately = Q(finished_at=None) | Q(finished_at__gte=clock.now() - LATELY)
    under_way = Q(rollout__in=Rollout.objects.filter(lately), status__in=[Status.RUNNING, Status.GOING_BACK])
    for member in _taken(under_way & (Q(operation=None) | ~Q(operation__status__in=LIVE))):
        if member.operation is None:
            _write(member, Status.PLANNED if member.status == Status.RUNNING else Status.DONE)
        else:
            _own_ended(member, member.operation)


def _taken(which: Q) -> list[RolloutMember]:
    rows = RolloutMember.objects.select_for_update(of=("self",), no_key=True).filter(which)
    return list(rows.select_related("rollout__release", "instance__release", "operation").order_by("pk"))


def _own_ended(member: RolloutMember, operation: Operation) -> None:
    has_succeeded = operation.status == OperationStatus.SUCCEEDED
    if member.status == Status.GOING_BACK:
        _write(member, Status.UNDONE if has_succeeded else Status.FAILED)
    elif member.status in {Status.RUNNING, Status.FAILED}:
        if not has_succeeded:
            _write(member, Status.FAILED)
        elif has_target(member.instance, member.rollout):
            _write(member, Status.DONE)
        else:
            _go_on(member)


def _go_on(member: RolloutMember) -> None:
    """One stop on the way is reached. Where nobody has asked for the next leg, the beat asks."""
    member.operation = operation_that_follows(member)
    _write(member, Status.RUNNING if member.operation else Status.PLANNED)


def _changed_by_hand(member: RolloutMember, operation: Operation) -> None:
    if operation.status != OperationStatus.SUCCEEDED:
        return
    has_it = has_target(member.instance, member.rollout)
    if operation.kind == OperationKind.TEARDOWN:
        if member.status == Status.PLANNED:
            member.skipped_because = "The instance has been deleted."
            _write(member, Status.SKIPPED)
    elif has_it and member.status in {Status.PLANNED, Status.FAILED}:
        member.operation = operation
        _write(member, Status.DONE)
    elif not has_it and member.status == Status.DONE:
        member.operation = operation
        _write(member, Status.UNDONE)


def _write(member: RolloutMember, status: RolloutMember.Status) -> None:
    member.status, member.waiting_for = status, ""
    member.finished_at = None if status in {Status.PLANNED, Status.RUNNING} else clock.now()
    member.save(update_fields=["status", "waiting_for", "finished_at", "operation", "skipped_because"])
