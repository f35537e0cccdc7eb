"""What has ended is deleted by itself, with a final backup (decision 13): never on an event alone.

Its people are told the day three days ahead, also where that is late. From that day on it takes two looks that find it
to be deleted, an hour apart, each on facts that were fetched anew since; the second is one that nobody has asked for.
Whatever changes meanwhile, it begins anew. Where there is no place for final backups, a person deletes.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from billing.models import Account, Upkeep
from billing.selectors.standings import standing_of
from billing.services.telling import day, tell_of_deletion_ahead
from billing.terms.standing import Standing
from portal.core import clock
from portal.core.audit import Actor
from portal.core.turns import Turn
from provisioning.fleet.final_backups import are_kept
from provisioning.models import Instance, InstanceStatus, Tenancy
from provisioning.services import instance_end
from provisioning.services.sending import send_on_commit

FETCH: Final = "billing.tasks.fetch_facts"
AHEAD: Final = timedelta(days=3)
APART: Final = timedelta(hours=1)


def ends_by_itself(instance: Instance, found: Standing) -> bool:
    """Whether it is deleted once its day has come. What we have switched off, or what is owed for, is not."""
    has_ended = found.delete_at is not None and instance.status == InstanceStatus.SUSPENDED
    is_why = instance.suspended_because == found.notice
    return settings.DELETES_BY_ITSELF and are_kept() and has_ended and is_why and instance.tenancy == Tenancy.DEDICATED


def keep_or_forget(row: Upkeep, instance: Instance, found: Standing) -> None:
    """What was noted of its deletion counts only while nothing has changed."""
    if row.delete_at != found.delete_at or not ends_by_itself(instance, found):
        row.told_of_deletion_at = row.deletable_seen_at = None


def end_when_due(turn: Turn[Upkeep], instance: Instance, found: Standing, now: datetime, by: Actor) -> datetime | None:
    """Its people are told, or it is looked at twice, or its teardown is asked for; answers when to look for the next.

    What was noted of that is on the turn's row, which the caller saves.
    """
    row, delete_at = turn.row, found.delete_at
    if delete_at is None or not ends_by_itself(instance, found):
        return None
    if now < delete_at - AHEAD:
        return delete_at - AHEAD
    ends_at = _told(row, instance, delete_at, now)
    if now < ends_at:
        return ends_at
    if _is_sure(row, instance, ends_at, now):
        _end(instance, found, now, by)
    return None


def _told(row: Upkeep, instance: Instance, delete_at: datetime, now: datetime) -> datetime:
    """Its people know; answers the day that they were told."""
    is_new = row.told_of_deletion_at is None
    row.told_of_deletion_at = row.told_of_deletion_at or now
    ends_at = max(delete_at, row.told_of_deletion_at + AHEAD)
    if is_new:
        tell_of_deletion_ahead(instance, ends_at)
    return ends_at


def _is_sure(row: Upkeep, instance: Instance, ends_at: datetime, now: datetime) -> bool:
    """Whether this is the second look that finds it so, unasked. The first is noted; facts too old are asked for."""
    if not _has_facts_since(instance, row.deletable_seen_at or ends_at):
        return False
    if row.deletable_seen_at is None:
        row.deletable_seen_at = now
        return False
    is_unasked = row.looked_at is not None and row.asked_at < row.looked_at
    return is_unasked and now >= row.deletable_seen_at + APART


def _has_facts_since(instance: Instance, since: datetime) -> bool:
    """Whether its customer's facts have been fetched since then, and none are on their way; otherwise they are due.

    Who is no customer of Stripe's has none. What is being tried for again is left to its turn.
    """
    account = Account.objects.filter(organization=instance.organization_id).first()
    if account is None:
        return True
    if account.due_at is not None:
        return False
    if account.fetched_at is not None and account.fetched_at > since:
        return True
    now = clock.now()
    Account.objects.filter(pk=account.pk, due_at__isnull=True).update(asked_at=now, due_at=now)
    send_on_commit(FETCH)
    return False


def _end(instance: Instance, found: Standing, now: datetime, by: Actor) -> None:
    """Its teardown is asked for, unless anything has changed by now. Locks the customer first, as who fetches does."""
    with transaction.atomic():
        Account.objects.select_for_update(of=("self",)).filter(organization=instance.organization_id).first()
        row = Instance.objects.select_for_update(of=("self",)).get(pk=instance.pk)
        if standing_of(row, now) != found or not ends_by_itself(row, found):
            return
        until = day(found.delete_at) if found.delete_at else ""
        reason = f"It stands at “{found.state}”, and its data was to be kept until {until}."
        instance_end(instance=row, actor=by, reason=reason)
