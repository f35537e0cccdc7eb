"""One member's turn: its operation is asked for, in a transaction of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import OperationalError, transaction

from portal.core.audit import Actor
from portal.core.errors import ServiceError
from provisioning.models import Instance, Operation, OperationKind, Release, Rollout, RolloutMember
from provisioning.models.operations import LIVE
from provisioning.services.architectures import instance_migrate_architecture
from provisioning.services.changes import instance_upgrade
from provisioning.services.restoring import instance_rollback

Status = RolloutMember.Status
Request = Callable[[Rollout, RolloutMember, Actor], Operation]
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Called:
    """A member whose turn it is, and its instance."""

    member_id: int
    instance_id: str


def begin(rollout_id: str, called: Called) -> bool | None:
    """The member runs. False when it is refused: it stays as it is and says why; None when nobody else may begin."""
    statuses = {Rollout.Status.RUNNING, Rollout.Status.SUCCEEDED}
    return _turn(rollout_id, called, (statuses, Status.PLANNED, Status.RUNNING), _forward)


def begin_to_go_back(rollout_id: str, called: Called) -> bool | None:
    """The member goes back to the version that it had before. Answers as `begin` does."""
    return _turn(rollout_id, called, ({Rollout.Status.ROLLING_BACK}, Status.DONE, Status.GOING_BACK), _back)


def _turn(
    rollout_id: str, called: Called, states: tuple[set[Rollout.Status], Status, Status], ask: Request
) -> bool | None:
    """Rows are taken in the order in which the end of an operation takes them: the instance before the member."""
    may_be, is_now, will_be = states
    with transaction.atomic():
        rows = Rollout.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        rollout = rows.select_related("release").filter(pk=rollout_id, status__in=may_be).first()
        if rollout is None or not _has_room(rollout):
            return None
        member = _taken(called)
        if member.status != is_now:
            return False
        try:
            with transaction.atomic():
                operation = ask(rollout, member, Actor(None, f"rollout {rollout.pk}"))
        except OperationalError:
            raise  # it is the database that is away
        except ServiceError as refused:
            return _refused(member, str(refused))
        except Exception:
            log.exception("this member could not begin", rollout=rollout_id, member=called.member_id)
            return _refused(member, "Something went wrong inside; the logs of the workers tell what.")
        member.status, member.operation, member.waiting_for, member.finished_at = will_be, operation, "", None
        member.save(update_fields=["status", "operation", "waiting_for", "finished_at", "previous"])
    return True


def _has_room(rollout: Rollout) -> bool:
    return rollout.members.filter(status__in=[Status.RUNNING, Status.GOING_BACK]).count() < rollout.most_at_once


def _taken(called: Called) -> RolloutMember:
    rows = Instance.objects.select_for_update(of=("self",)).select_related("release")
    instance = rows.get(pk=called.instance_id)
    member = RolloutMember.objects.select_for_update(no_key=True).get(pk=called.member_id)
    member.instance = instance
    return member


def _forward(rollout: Rollout, member: RolloutMember, actor: Actor) -> Operation:
    reason = _reason(rollout)
    if rollout.release:
        member.previous = member.instance.release.app_version
        return instance_upgrade(instance=member.instance, release=rollout.release, actor=actor, reason=reason)
    member.previous = member.instance.architecture
    return instance_migrate_architecture(
        instance=member.instance, architecture=rollout.architecture, actor=actor, reason=reason
    )


def _back(rollout: Rollout, member: RolloutMember, actor: Actor) -> Operation:
    before = Release.objects.get(app_version=member.previous)
    reason = f"The rollout of {rollout} is taken back."
    return instance_rollback(instance=member.instance, release=before, actor=actor, reason=reason)


def _reason(rollout: Rollout) -> str:
    if rollout.is_emergency:
        return f"Emergency rollout of {rollout}, outside maintenance windows: {rollout.reason}"
    return f"Rollout of {rollout}."


def _refused(member: RolloutMember, why: str) -> bool:
    """It is tried again, after all others; the sentence says what a person could do."""
    sentence = f"a person: {why}"
    if member.waiting_for != sentence:
        member.waiting_for = sentence
        member.save(update_fields=["waiting_for"])
    return False


def operation_that_follows(member: RolloutMember) -> Operation | None:
    """The upgrade or migration that is under way on the member's instance now."""
    kinds = (OperationKind.UPGRADE, OperationKind.MIGRATE_ARCHITECTURE)
    live = Operation.objects.filter(instance_id=member.instance_id, kind__in=kinds, status__in=LIVE)
    return live.order_by("-created_at").first()
