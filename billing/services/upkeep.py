"""Each instance is as its money says (decision 13): it runs or is suspended, is a trial or a customer's, has the
features that are paid for or granted and wanted, and its people have been told in time. What has ended is deleted once
its data has been kept long enough (billing.services.ending).

Whatever may have changed that only asks for a look; a worker takes it a moment later, and every instance is looked at
once an hour without being asked. A look compares and asks provisioning for the next thing; once that has ended, the
next look follows. What does not succeed is kept with that instance, and stops no other.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from billing.models import Upkeep
from billing.selectors.standings import standing_of
from billing.services.ending import end_when_due, keep_or_forget
from billing.services.seats import seats_watch
from billing.services.switching import features_bring, opt_ins_keep, told_names
from billing.services.telling import next_word, tell
from billing.terms.standing import Standing
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import ServiceError
from portal.core.turns import Turn, claim
from provisioning.fleet.final_backups import has_removed_nothing
from provisioning.models import (
    Instance,
    InstanceStatus,
    Kind,
    Operation,
    OperationKind,
    OperationStatus,
    SuspensionNotice,
    Tenancy,
)
from provisioning.models.operations import LIVE
from provisioning.services import instance_convert, instance_resume, instance_suspend
from provisioning.services.domains import domains_keep
from provisioning.services.sending import send_on_commit

GO_ON: Final = "billing.tasks.go_on_with_upkeep"
EVERY: Final = timedelta(hours=1)
SOON: Final = timedelta(minutes=1)
AFTER_A_FAILURE: Final = timedelta(hours=1)
MOST_AT_ONCE: Final = 50  # so that a task ends long before its time limit
BY: Final = Actor(None, "billing")
OURS: Final = (OperationKind.SUSPEND, OperationKind.RESUME, OperationKind.REPAIR)
HALTED: Final = (OperationStatus.FAILED, OperationStatus.STUCK, OperationStatus.UNDONE)
SEEN: Final = (  # what a look writes down
    "due_at",
    "looked_at",
    "failures",
    "error",
    "state",
    "until",
    "delete_at",
    "told_of_deletion_at",
    "deletable_seen_at",
)
COMPLETE: Final = """
INSERT INTO billing_upkeep (instance_id, asked_at, due_at, turn, state, failures, error)
SELECT instance.id, %(now)s, %(now)s, 0, '', 0, '' FROM provisioning_instance AS instance
WHERE instance.status <> 'deleted' ON CONFLICT DO NOTHING
"""
ROWS: Final = Upkeep.objects.select_related("instance__organization")
log = structlog.get_logger(__name__)


def upkeep_ask(instances: QuerySet[Instance]) -> None:
    """These are to be looked at."""
    now = clock.now()
    rows = [Upkeep(instance_id=pk, asked_at=now, due_at=now) for pk in instances.values_list("pk", flat=True)]
    Upkeep.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["instance"], update_fields=["asked_at", "due_at"]
    )
    if rows:
        send_on_commit(GO_ON)


def operation_ended(operation: Any, **_signal: Any) -> None:
    """Receives provisioning's `operation_finished`: what waited for its end can go on."""
    upkeep_ask(Instance.objects.filter(pk=operation.instance_id))


def domain_seen(instance: Instance, **_signal: Any) -> None:
    """Receives provisioning's `custom_domain_seen`: what waited for a record in the DNS may go on."""
    upkeep_ask(Instance.objects.filter(pk=instance.pk))


def upkeep_complete() -> None:
    """Every living instance has its upkeep. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE, {"now": clock.now()})


def upkeep_go_on(*, most: int = MOST_AT_ONCE) -> int:
    """Those that are due have been looked at, each apart; answers how many."""
    done = 0
    while done < most and (turn := claim(ROWS)):
        _look(turn)
        done += 1
    return done


def _look(turn: Turn[Upkeep]) -> None:
    try:
        with transaction.atomic():
            if turn.ours().exists():
                _compare(turn)
    except Exception as error:
        if not isinstance(error, ServiceError):
            log.exception("upkeep.failed", instance=turn.row.pk)
        turn.postpone(SOON, error)


def _compare(turn: Turn[Upkeep]) -> None:
    """Locks the instance before its upkeep, as the end of an operation does."""
    instance, now = turn.row.instance, clock.now()
    if instance.status == InstanceStatus.DELETED:
        domains_keep(instance, ())
        Upkeep.objects.filter(pk=instance.pk).update(due_at=None, state="", until=None, delete_at=None, error="")
        return
    found = standing_of(instance, now)
    tell(instance, found, now)
    seats_watch(instance, now)
    keep_or_forget(turn.row, instance, found)
    ends = opt_ins_keep(instance, now) if found.runs else None
    domains_keep(instance, told_names(instance))
    dates = [now + EVERY, found.until, next_word(found, now), ends, _bring(turn, instance, found, now)]
    row = Upkeep.objects.select_for_update(of=("self",)).get(pk=instance.pk)
    row.due_at = turn.asked_meanwhile(row) or min(date for date in dates if date and date > now)
    row.looked_at, row.failures, row.error = now, 0, ""
    row.state, row.until, row.delete_at = found.state, found.until, found.delete_at
    row.told_of_deletion_at, row.deletable_seen_at = turn.row.told_of_deletion_at, turn.row.deletable_seen_at
    row.save(update_fields=SEEN)


def _bring(turn: Turn[Upkeep], instance: Instance, found: Standing, now: datetime) -> datetime | None:
    """Asks for the one next thing that brings the instance to where it stands; answers when to look again for that.

    While something else is under way, its end asks for the next look. What has just failed is not asked for at once. A
    teardown that has stopped is a person's business, and stands in the way of all else once it has removed anything.
    """
    latest = instance.operations.order_by("-created_at").first()
    if latest and latest.status in LIVE:
        return None
    if latest and latest.kind in OURS and latest.status in HALTED and latest.finished_at:
        again = latest.finished_at + AFTER_A_FAILURE
        if now < again:
            return again
    has_stopped = latest is not None and latest.kind == OperationKind.TEARDOWN
    if latest and has_stopped and not has_removed_nothing(latest):
        return None
    if instance.status == InstanceStatus.RUNNING:
        return _bring_running(instance, found, latest, now)
    if instance.status == InstanceStatus.SUSPENDED and instance.suspended_because != SuspensionNotice.BY_US:
        return _bring_suspended(turn, instance, found, now, is_asked_already=has_stopped)
    return None


def _bring_suspended(
    turn: Turn[Upkeep], instance: Instance, found: Standing, now: datetime, *, is_asked_already: bool
) -> datetime | None:
    if found.runs:
        instance_resume(instance=instance, actor=BY, reason=f"It stands at “{found.state}”.")
    elif found.notice != instance.suspended_because:
        Instance.objects.filter(pk=instance.pk).update(suspended_because=found.notice)
    elif not is_asked_already:
        return end_when_due(turn, instance, found, now, BY)
    return None


def _bring_running(instance: Instance, found: Standing, latest: Operation | None, now: datetime) -> datetime | None:
    if found.notice:
        if instance.tenancy == Tenancy.DEDICATED:
            instance_suspend(instance=instance, notice=found.notice, actor=BY, reason=f"It stands at “{found.state}”.")
        return None
    if found.is_customer and instance.kind == Kind.TRIAL:
        instance_convert(instance=instance, actor=BY, reason="It is subscribed.")
        return None
    return features_bring(instance, latest, now)
