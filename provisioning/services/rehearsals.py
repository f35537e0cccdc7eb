"""Rehearsals: last night's backup of an instance is brought up beside it, upgraded, and torn down (decision 10).

What comes next follows from the last operation of the stand-in alone, so that it does not matter who asks: the end of
an operation does, in the same transaction, and the beat makes up for whatever was lost.
"""

import secrets
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, ServiceError
from portal.core.models import Organization, User
from provisioning.fleet.members import has_target, target_of, to_rehearse_with
from provisioning.models import (
    Instance,
    Kind,
    Operation,
    OperationKind,
    OperationStatus,
    Rehearsal,
    Rollout,
    RolloutMember,
    RolloutStage,
)
from provisioning.models.operations import LIVE
from provisioning.services.architectures import instance_migrate_architecture
from provisioning.services.changes import instance_upgrade
from provisioning.services.instances import instance_delete
from provisioning.services.names import domain_of
from provisioning.services.operations import operation_request
from provisioning.spec import spec_of
from provisioning.steps import names

Status = Rehearsal.Status
CHANGES = {OperationKind.UPGRADE, OperationKind.MIGRATE_ARCHITECTURE}
KINDS = CHANGES | {OperationKind.REHEARSE, OperationKind.TEARDOWN}
log = structlog.get_logger(__name__)


def rehearsals_begin(*, rollout: Rollout, stage: RolloutStage) -> int:
    """The rollout's rehearsals before that stage run; answers how many. Asked again, nothing changes."""
    if rollout.rehearsals.exists():
        return 0
    planned = rollout.members.filter(status=RolloutMember.Status.PLANNED)
    at_hand = planned.select_related("stage", "instance__release", "instance__size")
    members = to_rehearse_with(rollout, stage, at_hand)
    for member in members:
        _begin(rollout, member.instance)
    return len(members)


def rehearsal_ended(operation: Operation, **_: Any) -> None:
    """Receives `operation_finished`: the rehearsal whose stand-in it was goes on."""
    if operation.kind in KINDS and operation.instance.kind == Kind.REHEARSAL:
        _go_on_all(Rehearsal.objects.filter(stand_in=operation.instance_id, is_torn_down=False))


def rehearsals_go_on() -> None:
    """Whatever rehearsal has nothing under way goes on. One query when there is none; never an exception."""
    live = Operation.objects.filter(instance=OuterRef("stand_in"), status__in=LIVE)
    resting = Rehearsal.objects.filter(~Exists(live), is_torn_down=False, stand_in__isnull=False)
    _go_on_all(resting)


def _go_on_all(rehearsals: Any) -> None:
    for pk in rehearsals.values_list("pk", flat=True):
        try:
            with transaction.atomic():
                _go_on(pk)
        except OperationalError:
            raise  # it is the database that is away
        except Exception:
            log.exception("this rehearsal could not go on; the next beat tries again", rehearsal=pk)


def _begin(rollout: Rollout, original: Instance) -> None:
    """Whatever is in the way ends the rehearsal, not the rollout's beat."""
    rehearsal = Rehearsal.objects.create(rollout=rollout, instance=original)
    try:
        with transaction.atomic():
            rehearsal.stand_in = _stand_in(rollout, original)
            rehearsal.save(update_fields=["stand_in"])
            operation_request(
                instance=rehearsal.stand_in,
                kind=OperationKind.REHEARSE,
                actor=_actor(rollout),
                reason=f"Rehearsal of {rollout} with {original.slug}.",
                inputs={"backup": {"project": original.pk, "instance": names.sql_instance(spec_of(original))}},
            )
    except ServiceError as refused:
        rehearsal.stand_in, rehearsal.is_torn_down = None, True
        _conclude(rehearsal, Status.FAILED, f"It could not begin: {refused}")
    _tell("rehearsal.begin", rehearsal)


def _stand_in(rollout: Rollout, original: Instance) -> Instance:
    """As the original is, but ours, and at nobody's address."""
    ours, _ = Organization.objects.get_or_create(
        slug=settings.REHEARSAL_ORGANIZATION, defaults={"name": "Rehearsals", "email_domain": settings.INSTANCE_DOMAIN}
    )
    person = rollout.created_by or User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if person is None:
        raise Conflict("There is no admin whom a stand-in could belong to.")
    slug = f"rehearsal-{secrets.randbelow(10**10):010d}"
    return Instance.objects.create(
        organization=ours,
        slug=slug,
        domain=domain_of(slug),
        kind=Kind.REHEARSAL,
        region=original.region,
        size=original.size,
        release=original.release,
        channel=original.channel,
        architecture=original.architecture,
        features=original.features,
        disk_floor_gb=original.disk_floor_gb,
        admin_email=person.email,
        created_by=person,
    )


def _go_on(pk: int) -> None:
    """What comes after the last operation of the stand-in. The instance is taken before the rehearsal, as ever."""
    found = Rehearsal.objects.filter(pk=pk, is_torn_down=False).values_list("stand_in", flat=True).first()
    if found is None:
        return
    Instance.objects.select_for_update().get(pk=found)
    rows = Rehearsal.objects.select_for_update(of=("self",)).select_related(
        "rollout__release", "instance", "stand_in__release", "stand_in__size"
    )
    rehearsal = rows.get(pk=pk)
    stand_in = rehearsal.stand_in
    last = stand_in.operations.order_by("-created_at").first() if stand_in else None
    if stand_in is None or last is None or last.is_live or rehearsal.is_torn_down:
        return
    if last.kind == OperationKind.TEARDOWN:
        _torn_down(rehearsal, last)
    elif last.status != OperationStatus.SUCCEEDED:
        _fail(rehearsal, stand_in, last)
    elif last.kind in CHANGES and has_target(stand_in, rehearsal.rollout):
        _conclude(rehearsal, Status.PASSED, _how_it_went(rehearsal))
        _tear_down(rehearsal, stand_in)
    else:
        _change(rehearsal, stand_in, last)


def _change(rehearsal: Rehearsal, stand_in: Instance, last: Operation) -> None:
    """The backup stands: now what the rollout brings, or the next leg of the way there."""
    rollout = rehearsal.rollout
    rehearsal.backup = rehearsal.backup or backup_of(last)
    rehearsal.save(update_fields=["backup"])
    reason = f"Rehearsal of {rollout} with {rehearsal.instance.slug}."
    try:
        with transaction.atomic():
            if rollout.release:
                instance_upgrade(instance=stand_in, release=rollout.release, actor=_actor(rollout), reason=reason)
            else:
                instance_migrate_architecture(
                    instance=stand_in, architecture=rollout.architecture, actor=_actor(rollout), reason=reason
                )
    except ServiceError as refused:
        _conclude(rehearsal, Status.FAILED, f"The restored backup could not be upgraded: {refused}")
        _tear_down(rehearsal, stand_in)


def backup_of(operation: Operation) -> str:
    """The backup run that was restored, as the operation's steps or its inputs tell; "" when they do not."""
    told = [outputs.get("backup") for outputs in operation.steps.values_list("outputs", flat=True)]
    told.append(operation.inputs.get("backup", {}).get("id"))
    return next((str(backup) for backup in told if backup), "")


def _fail(rehearsal: Rehearsal, stand_in: Instance, last: Operation) -> None:
    what = "Restoring the backup" if last.kind == OperationKind.REHEARSE else f"The {last.kind} of the restored backup"
    _conclude(rehearsal, Status.FAILED, f"{what} {_came_of(last)}: {last.error or 'no error was told.'}")
    _tear_down(rehearsal, stand_in)


def _tear_down(rehearsal: Rehearsal, stand_in: Instance) -> None:
    actor = _actor(rehearsal.rollout)
    instance_delete(instance=stand_in, confirmation=stand_in.slug, actor=actor, reason="The rehearsal is over.")


def _torn_down(rehearsal: Rehearsal, teardown: Operation) -> None:
    """It is gone; or a person, who has been told, sets its teardown going again."""
    if teardown.status == OperationStatus.SUCCEEDED:
        rehearsal.is_torn_down = True
        rehearsal.save(update_fields=["is_torn_down"])
        return
    note = f"Its teardown {_came_of(teardown)}."
    if note not in rehearsal.result:
        rehearsal.result = f"{rehearsal.result} {note}".strip()
        rehearsal.save(update_fields=["result"])


def _came_of(operation: Operation) -> str:
    return "failed" if operation.status == OperationStatus.FAILED else f"was {operation.status}"


def _conclude(rehearsal: Rehearsal, status: Rehearsal.Status, result: str) -> None:
    """What came of it stands; the first result counts."""
    if rehearsal.status != Status.RUNNING:
        return
    rehearsal.status, rehearsal.result, rehearsal.finished_at = status, result, clock.now()
    rehearsal.save(update_fields=["status", "result", "finished_at", "is_torn_down", "stand_in"])
    _tell(f"rehearsal.{status}", rehearsal)


def _how_it_went(rehearsal: Rehearsal) -> str:
    minutes = max(1, round((clock.now() - rehearsal.started_at).total_seconds() / 60))
    backup = f"Backup {rehearsal.backup}" if rehearsal.backup else "Last night's backup"
    return f"{backup} was restored and brought to {target_of(rehearsal.rollout)} in {minutes} min."


def _actor(rollout: Rollout) -> Actor:
    return Actor(None, f"rollout {rollout.pk}")


def _tell(action: str, rehearsal: Rehearsal) -> None:
    record(
        action,
        rehearsal,
        organization_id=rehearsal.instance.organization_id,
        actor=_actor(rehearsal.rollout),
        details={"rollout": rehearsal.rollout_id, "with": rehearsal.instance_id, "result": rehearsal.result},
    )
