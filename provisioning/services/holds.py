"""Instances are held back from upgrades, and let go. Nothing ends a hold but a person; one past its day is reported."""

from datetime import datetime

from django.db import IntegrityError, transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.versions import is_newer
from provisioning.mail import holds_overdue
from provisioning.models import Hold, Instance, InstanceStatus, Release


def hold_begin(
    *, instance: Instance, until: datetime, reason: str, release: Release | None = None, actor: Actor
) -> Hold:
    """The instance is upgraded no further, or with a release: not beyond that. Customers read the reason.

    Raises Invalid without a reason, for a day in the past or a release that it is beyond; Conflict when it is held
    already, or deleted.
    """
    _check(instance, until, reason, release)
    try:
        with transaction.atomic():
            hold = Hold.objects.create(
                instance=instance, release=release, reason=reason.strip(), until=until, created_by=actor.user
            )
            _tell("hold.begin", hold, actor, reason)
    except IntegrityError:
        raise Conflict("This instance is held already. End that hold first.") from None
    return hold


def hold_end(*, hold: Hold, actor: Actor, reason: str = "") -> Hold:
    """The instance follows its channel again; what it missed comes in its next window. Conflict when it has ended."""
    with transaction.atomic():
        row = Hold.objects.select_for_update(of=("self",)).select_related("instance", "release").get(pk=hold.pk)
        if row.ended_at:
            raise Conflict("This hold has ended already.")
        row.ended_at = clock.now()
        row.save(update_fields=["ended_at"])
        _tell("hold.end", row, actor, reason)
    return row


@transaction.atomic
def holds_report() -> int:
    """Everybody who runs the fleet has been told once of each hold that is past its day; answers how many are."""
    overdue = Hold.objects.filter(ended_at__isnull=True, until__lt=clock.now())
    new = list(
        overdue.filter(reported_at__isnull=True)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("instance__organization", "release")
        .order_by("until")
    )
    if new:
        holds_overdue(new)
        Hold.objects.filter(pk__in=[hold.pk for hold in new]).update(reported_at=clock.now())
    return overdue.count()


def _check(instance: Instance, until: datetime, reason: str, release: Release | None) -> None:
    if not reason.strip():
        raise Invalid("Say why it is held. Its people read it.", field="reason")
    if until <= clock.now():
        raise Invalid("Choose a day in the future.", field="until")
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted.")
    if release and is_newer(instance.release.app_version, release.app_version):
        raise Invalid(f"It has {instance.release} already, which is newer than {release}.", field="release")


def _tell(action: str, hold: Hold, actor: Actor, reason: str) -> None:
    record(
        action,
        hold,
        organization_id=hold.instance.organization_id,
        actor=actor,
        reason=reason,
        details={
            "instance": hold.instance_id,
            "until": hold.until.isoformat(),
            "release": str(hold.release) if hold.release else None,
        },
    )
