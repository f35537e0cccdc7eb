"""Instances are asked for and given up."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.models import Organization
from provisioning.fleet.architectures import NEWEST
from provisioning.fleet.final_backups import ASKED, has_something_to_keep, is_usual
from provisioning.fleet.releases import newest_for
from provisioning.fleet.trials import trials_of
from provisioning.models import (
    Channel,
    Cluster,
    Instance,
    InstanceStatus,
    Kind,
    Operation,
    OperationKind,
    OperationStatus,
    Region,
    Release,
    Size,
    SuspensionNotice,
    Tenancy,
)
from provisioning.models.operations import LIVE
from provisioning.services.names import check_slug, domain_of
from provisioning.services.operations import operation_cancel, operation_request
from provisioning.services.running import check_left_alone, locked

TRIAL_SIZE = "xs"
TRIAL_HAD = "Your organization has had its trial. Talk to us about a subscription or an extension."


@dataclass(frozen=True)
class Wish:
    """What a new instance is to be like."""

    slug: str
    kind: Kind
    region: str = Region.US_CENTRAL
    size: str = TRIAL_SIZE
    cluster: Cluster | None = None
    channel: Channel = Channel.STABLE


def trial_start(
    *, organization: Organization, slug: str, region: str, actor: Actor, may_repeat: bool = False
) -> Instance:
    """A 30-day trial stands and its provisioning runs.

    Raises Invalid for a name or region that cannot be had, Conflict when the organization has (or had) its trial;
    with `may_repeat` it may have had one, and still not two at once.
    """
    if not may_repeat and trials_of(organization).exists():
        raise Conflict(TRIAL_HAD)
    return instance_create(organization=organization, wish=Wish(slug, Kind.TRIAL, region), actor=actor)


def instance_create(*, organization: Organization, wish: Wish, actor: Actor, reason: str = "") -> Instance:
    """The instance stands as pending and its provisioning runs. Raises Invalid or Conflict, leaving nothing behind."""
    check_wish(wish)
    if actor.user is None:
        raise Invalid("An instance is created by a person.")
    is_trial = wish.kind == Kind.TRIAL
    try:
        with transaction.atomic():
            instance = Instance.objects.create(
                organization=organization,
                slug=wish.slug,
                domain=domain_of(wish.slug),
                kind=wish.kind,
                tenancy=Tenancy.BYOK if wish.cluster else Tenancy.DEDICATED,
                cluster=wish.cluster,
                region=wish.region,
                size=Size.objects.get(pk=wish.size),
                channel=wish.channel,
                release=_newest_release(wish.channel),
                architecture=NEWEST,
                admin_email=actor.user.email,
                trial_ends_at=clock.now() + timedelta(days=settings.TRIAL_DAYS) if is_trial else None,
                created_by=actor.user,
            )
            record("instance.create", instance, organization_id=organization.pk, actor=actor, reason=reason)
            operation_request(instance=instance, kind=OperationKind.PROVISION, actor=actor, reason=reason)
    except IntegrityError as error:
        raise _taken(wish, error) from None
    return instance


def check_wish(wish: Wish) -> None:
    """Raises Invalid, at its field, for what cannot be had just now."""
    verdict = check_slug(wish.slug)
    if not verdict.is_free:
        raise Invalid(verdict.sentence, field="slug")
    if wish.region not in Region.values:
        raise Invalid("Choose one of the regions in the list.", field="region")
    if not Size.objects.filter(pk=wish.size).exists():
        raise Invalid("Choose one of the sizes in the list.", field="size")


def instance_delete(
    *, instance: Instance, confirmation: str, actor: Actor, reason: str = "", final_backup: bool | None = None
) -> Operation:
    """Its teardown runs, or is queued behind a provisioning that is being stopped for it.

    `confirmation` must be the instance's name. `final_backup` says whether its databases are exported first, to be
    kept for a while; None: as is usual for its kind. Raises Conflict when it is deleted or another change is under way,
    Invalid for a final backup on a cluster that its people bring.
    """
    if confirmation.strip() != instance.slug:
        raise Invalid(f"Type “{instance.slug}” to confirm.", field="confirmation")
    if final_backup and instance.tenancy == Tenancy.BYOK:
        raise Invalid("Its databases are on your own cluster: they are yours to back up.", field="final_backup")
    is_wanted = is_usual(instance) if final_backup is None else final_backup
    return _tear_down(instance, actor, reason, final_backup=is_wanted)


def instance_end(*, instance: Instance, actor: Actor, reason: str) -> Operation:
    """What was suspended at its end is being torn down, with a final backup; whoever asks has made sure.

    Raises Conflict unless it is suspended, not by us, and left alone.
    """
    with transaction.atomic():
        row = locked(instance)
        check_left_alone(row)
        if row.status != InstanceStatus.SUSPENDED or row.suspended_because == SuspensionNotice.BY_US:
            raise Conflict("Only what is suspended because it has ended is deleted by itself.")
        return _tear_down(row, actor, reason, final_backup=True)


def _tear_down(instance: Instance, actor: Actor, reason: str, *, final_backup: bool) -> Operation:
    """Of what was never built there is nothing to keep, whatever is wished."""
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted already.")
    inputs = {ASKED: True} if final_backup and has_something_to_keep(instance) else {}
    with transaction.atomic():
        live = instance.operations.select_for_update().filter(status__in=LIVE)
        if live.filter(kind=OperationKind.TEARDOWN).exists():
            raise Conflict("This instance is being deleted already.")
        operation = operation_request(
            instance=instance, kind=OperationKind.TEARDOWN, actor=actor, reason=reason, inputs=inputs
        )
        building = live.filter(kind=OperationKind.PROVISION, status=OperationStatus.RUNNING).first()
        if building:
            operation_cancel(operation=building, actor=actor, reason="The instance is to be deleted.")
    operation.refresh_from_db()
    return operation


def _newest_release(channel: Channel) -> Release:
    release = newest_for(channel)
    if release is None:
        raise Invalid("There is no release to install yet. An admin imports and publishes one under Releases.")
    return release


def _taken(wish: Wish, error: IntegrityError) -> Conflict:
    if "one_live_trial_per_organization" in str(error):
        return Conflict("Your organization has a trial already.")
    return Conflict(f"“{wish.slug}” has just been taken. Try another name.", field="slug")
