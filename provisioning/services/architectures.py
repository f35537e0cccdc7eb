"""An instance moves from one template of the infrastructure to a later one (decision 11)."""

from dataclasses import replace

from django.db import transaction

from portal.core.audit import Actor
from portal.core.errors import Invalid
from provisioning.fleet.architectures import ARCHITECTURES, leads_to
from provisioning.models import Instance, Operation, OperationKind, Tenancy
from provisioning.services.operations import operation_request
from provisioning.services.running import check_left_alone, check_running, locked
from provisioning.spec import InstanceSpec, spec_of


def migrated(instance: Instance, architecture: str) -> InstanceSpec:
    """The instance's spec with that architecture.

    Raises Conflict unless it is running, Invalid for an architecture that there is not, that it has, or that did not
    come from its own, and for an instance on a cluster that somebody brings: that has no architecture of ours.
    """
    check_running(instance, "migrated")
    if instance.tenancy == Tenancy.BYOK:
        raise Invalid("It runs on a cluster that its people bring, and their architecture is theirs.")
    if architecture not in ARCHITECTURES:
        raise Invalid(f"There is no architecture {architecture}.", field="architecture")
    if architecture == instance.architecture:
        raise Invalid(f"The instance has architecture {architecture} already.", field="architecture")
    if architecture not in leads_to(instance.architecture):
        raise Invalid(f"Architecture {architecture} did not come from {instance.architecture}.", field="architecture")
    return replace(spec_of(instance), architecture=architecture)


def instance_migrate_architecture(
    *, instance: Instance, architecture: str, actor: Actor, reason: str = ""
) -> Operation:
    """Its change to that architecture runs. Raises as `migrated` does, and Conflict unless it is left alone."""
    with transaction.atomic():
        row = locked(instance)
        spec = migrated(row, architecture)
        check_left_alone(row)
        kind = OperationKind.MIGRATE_ARCHITECTURE
        return operation_request(instance=row, kind=kind, actor=actor, reason=reason, wanted=spec)
