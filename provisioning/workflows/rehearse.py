"""Rehearse: a stand-in of an instance, made of last night's backup of its databases (decision 10).

These are the lines of provision, with the backup restored between server and databases. Left out are the administrator,
who is among the restored accounts, and the watching: nobody is to be woken for what lives for an hour.
"""

from collections.abc import Iterator
from dataclasses import replace

from portal.core import clock
from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import Node, OnFailure, Undo, Workflow
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, Tenancy
from provisioning.steps import restored_data
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.table import GOOGLE, line

SHORT, HOURS = minutes(20), minutes(180)
NOTHING = Undo.NOTHING  # it goes with the database server, or only looks
# A stand-in asks no code host anything, so that it needs no way to one, which somebody else would have to accept.
# It lives for an hour, so that nothing follows it.
LEFT_OUT = {"administrator", "monitoring", "private-endpoint", "standby-database", "standby-volumes"}


# fmt: off
RESTORED = (
    line("last-backup", "", restored_data.LastBackup(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("restored-data", "last-backup database", restored_data.RestoredData(), NOTHING, minutes(5), HOURS, GOOGLE),
)
# fmt: on


def _built() -> Iterator[Node]:
    """A stand-in has a project of its own; what the backup brings along is put right after it."""
    for node in PROVISION.for_tenancy(Tenancy.DEDICATED):
        ours = replace(node, tenancies=GOOGLE)
        if node.name == "databases":
            yield replace(ours, needs=("restored-data",))
        elif node.name == "database-user":
            yield replace(ours, action=restored_data.RestoredAccount())
        elif node.name not in LEFT_OUT:
            yield ours


def _succeeded(operation: Operation) -> None:
    """The stand-in runs, and nobody is told by mail."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    instance.status, instance.ready_at = InstanceStatus.RUNNING, clock.now()
    instance.save(update_fields=["status", "ready_at"])
    record("instance.ready", instance, organization_id=instance.organization_id, actor_label="engine")


REHEARSE = Workflow(OperationKind.REHEARSE, (*_built(), *RESTORED), OnFailure.KEEP, _succeeded)
