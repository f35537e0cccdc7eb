"""An instance's people take their data with them, whenever they like."""

from datetime import timedelta
from typing import Final

from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Invalid, NotFound
from provisioning.clients.google.signed import signed_download
from provisioning.fleet.exports import exports_of
from provisioning.fleet.final_backups import are_kept
from provisioning.models import BUILT, Instance, Operation, OperationKind, Tenancy
from provisioning.services.operations import operation_request
from provisioning.services.running import check_left_alone, locked

APART: Final = timedelta(hours=6)  # an export reads everything there is
FETCHED_WITHIN_SECONDS: Final = 600


def export_refusal(instance: Instance) -> str:
    """Why no export can be asked for, as a sentence; "" where one can be."""
    if instance.tenancy == Tenancy.BYOK:
        return "Its databases are in your own cluster: they are at hand there."
    if instance.status not in BUILT:
        return f"There is nothing to export: this instance is {instance.status}."
    if not are_kept():
        return "Exports are not set up here. Talk to us, and we send you your data."
    newest = next(iter(exports_of(instance)), None)
    if newest and newest.taken_at > clock.now() - APART:
        return f"The last export is of {newest.taken_at:%-d %B, %H:%M} UTC; the next can be had {_hours(APART)} later."
    return ""


@transaction.atomic
def instance_export(*, instance: Instance, actor: Actor) -> Operation:
    """Its export runs. Raises Invalid with the refusal's sentence, Conflict while something else is under way."""
    row = locked(instance)
    check_left_alone(row)
    if sentence := export_refusal(row):
        raise Invalid(sentence)
    return operation_request(instance=row, kind=OperationKind.EXPORT, actor=actor, reason="Asked for by its people.")


def export_fetch(*, instance: Instance, key: str, database: str, actor: Actor) -> str:
    """The address at which one file of an export can be read for some minutes; that it was given out is in the audit.

    Raises NotFound for an export or a database that is not kept, and whatever keeps Google from signing.
    """
    found = next((export for export in exports_of(instance) if export.key == key), None)
    if found is None or database not in found.databases:
        raise NotFound("There is no such export any more.")
    bucket, name = found.place_of(database)
    file_name = f"{instance.slug}-{database}-{found.taken_at:%Y-%m-%d}.sql.gz"
    address = signed_download(bucket, name, file_name=file_name, seconds=FETCHED_WITHIN_SECONDS)
    details = {"export": key, "database": database}
    record("instance.export-fetched", instance, organization_id=instance.organization_id, actor=actor, details=details)
    return address


def _hours(span: timedelta) -> str:
    return f"{span // timedelta(hours=1)} hours"
