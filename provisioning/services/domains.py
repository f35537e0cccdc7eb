"""Names of customers' own: whose they are, and where the public DNS leads them (decision 23).

A row is claimed, looked up without a transaction, and written where nobody has claimed it since, as everything that is
due. What waits is looked up every few minutes, less often the longer that lasts, what is on once a day.
"""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.turns import Turn, claim
from provisioning.clients.public_dns import NoAnswer, PublicDns
from provisioning.fleet.details import CUSTOM_NAME
from provisioning.fleet.domains import Look, look_up
from provisioning.mail import custom_domain_lost
from provisioning.models import CustomDomain, Instance, InstanceStatus
from provisioning.services.sending import send_on_commit
from provisioning.signals import custom_domain_seen

GO_ON: Final = "provisioning.tasks.look_up_domains"
PASS_SECONDS: Final = 10.0
DAILY: Final = timedelta(days=1)
RARELY: Final = timedelta(hours=1)
SHARE_OF_ITS_WAIT: Final = 20  # who has waited for so many times a while is looked at after another such while
MISSES: Final = 2  # so many looks in a row are believed
AT_ONCE: Final = timedelta(seconds=15)  # who asked for a look so lately is not looked at for that again
TAKEN: Final = "{} is another instance's name. Write to us if it is yours."
ROWS: Final = CustomDomain.objects.select_related("instance__organization")
State = CustomDomain.State
log = structlog.get_logger(__name__)


def domain_claim(*, instance: Instance, name: str) -> CustomDomain:
    """The name is the instance's, and is looked up. Inside the transaction of what it is told by.

    Raises Invalid, with the detail as its field, where it is another instance's, or was another organization's.
    """
    row, is_new = CustomDomain.objects.select_related("instance").get_or_create(
        name=name, defaults={"instance": instance}
    )
    if not is_new and row.instance_id != instance.pk:
        _take_over(row, instance)
    now = clock.now()
    CustomDomain.objects.filter(pk=name).update(told_at=now, asked_at=now, due_at=now)
    send_on_commit(GO_ON)
    return row


def domains_keep(instance: Instance, told: Collection[str]) -> None:
    """Of its names those that are neither told of nor on are looked up no more. What never led here is free again."""
    kept = {*told, instance.custom_domain} if instance.status != InstanceStatus.DELETED else set[str]()
    rows = CustomDomain.objects.filter(instance=instance).exclude(name__in=kept)
    rows.filter(proved_at=None).delete()
    rows.filter(Q(due_at__isnull=False) | Q(lost_at__isnull=False)).update(due_at=None, lost_at=None, misses=0)


def domain_release(*, domain: CustomDomain, actor: Actor, reason: str) -> None:
    """The name is nobody's. Raises Conflict while an instance answers to it."""
    instance = domain.instance
    if instance.custom_domain == domain.pk:
        raise Conflict(f"{instance} answers to {domain}: it has to be switched off first.")
    organization_id, details = instance.organization_id, {"name": domain.pk, "proved": domain.proved_at is not None}
    with transaction.atomic():
        CustomDomain.objects.filter(pk=domain.pk).delete()
        record("domain.release", instance, organization_id=organization_id, actor=actor, reason=reason, details=details)


def domain_look_now(*, instance: Instance, name: str, actor: Actor) -> None:
    """The name is looked up within seconds. Raises Conflict when that has just been asked for, or it is not theirs."""
    now = clock.now()
    with transaction.atomic():
        row = CustomDomain.objects.select_for_update().filter(instance=instance, name=name).first()
        if row is None or row.due_at is None:
            raise Conflict(f"{name} is not a name of this instance.")
        if now - row.asked_at < AT_ONCE:
            raise Conflict("It is being looked up just now.")
        row.asked_at = row.due_at = now
        row.save(update_fields=["asked_at", "due_at"])
        record("domain.look", instance, organization_id=instance.organization_id, actor=actor, details={"name": name})
        send_on_commit(GO_ON)


def domains_go_on(for_seconds: float = PASS_SECONDS) -> int:
    """Names that are due have been looked up, for about so long; answers how many."""
    until, done = time.monotonic() + for_seconds, 0
    while time.monotonic() < until and (turn := claim(ROWS)):
        done += 1
        try:
            _look(turn)
        except NoAnswer as error:
            turn.postpone(min(RARELY, _until_the_next(turn.row, clock.now())), error)
        except Exception as error:
            log.exception("domain.look-failed", name=turn.row.pk)
            turn.postpone(RARELY, error)
    return done


def _take_over(row: CustomDomain, instance: Instance) -> None:
    """A name that is off, or was a deleted instance's, goes on to another of the same organization."""
    owner = row.instance
    is_free = row.due_at is None or owner.status == InstanceStatus.DELETED
    if owner.organization_id != instance.organization_id or not is_free:
        raise Invalid(TAKEN.format(row.pk), field=CUSTOM_NAME)
    unseen = {"state": State.UNSEEN, "found": "", "looked_at": None, "misses": 0, "lost_at": None, "error": ""}
    CustomDomain.objects.filter(pk=row.pk).update(instance=instance, failures=0, **unseen)


def _look(turn: Turn[CustomDomain]) -> None:
    """Of an instance that does not run nothing can be said: its own name leads to the portal."""
    row = turn.row
    if row.instance.status != InstanceStatus.RUNNING:
        turn.ours().update(due_at=clock.now() + DAILY)
        return
    with PublicDns() as dns:
        look = look_up(dns, row.pk, row.instance.domain)
    _write(turn, look)


def _write(turn: Turn[CustomDomain], look: Look) -> None:
    """What was seen is written down if the turn is still the newest; what has changed is announced."""
    with transaction.atomic():
        instance = Instance.objects.select_related("organization").get(pk=turn.row.instance_id)
        row = turn.ours().select_for_update().first()
        if row is None:
            return
        now, before = clock.now(), row.state
        row.state, row.found, row.looked_at = look.state, look.found, now
        row.failures, row.error = 0, ""
        if look.state == State.HERE:
            row.proved_at, row.misses, row.lost_at = row.proved_at or now, 0, None
        elif instance.custom_domain == row.pk:
            _miss(row, instance, now)
        row.due_at = turn.asked_meanwhile(row) or now + _until_the_next(row, now)
        row.save()
        if before != look.state:
            _announce(instance, row, before)


def _miss(row: CustomDomain, instance: Instance, now: datetime) -> None:
    """It is on and does not lead here. Its people are told once, when a second look has seen the same."""
    row.misses += 1
    if row.misses >= MISSES and row.lost_at is None:
        row.lost_at = now
        custom_domain_lost(instance, row)


def _announce(instance: Instance, row: CustomDomain, before: str) -> None:
    details: dict[str, Any] = {"name": row.pk, "from": before, "to": row.state, "found": row.found}
    organization_id = instance.organization_id
    record("domain.seen", instance, organization_id=organization_id, actor_label="engine", details=details)
    custom_domain_seen.send(CustomDomain, instance=instance)


def _until_the_next(row: CustomDomain, now: datetime) -> timedelta:
    """A while for what waits; a day for what leads here, and for what people know of that it does not."""
    if row.state == State.HERE or row.lost_at:
        return DAILY
    soon = timedelta(seconds=settings.CUSTOM_DOMAIN_SECONDS)
    return min(RARELY, max(soon, (now - row.told_at) / SHARE_OF_ITS_WAIT))
