"""Repair: everything of an instance is again as its spec says, whatever became of it meanwhile.

These are the lines of provision, so that what is built is what is repaired. Left out is the first administrator, who
may have changed the password since: then nobody can tell from outside that one is there.
"""

from dataclasses import replace

from portal.core.audit import record
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Instance, Operation, OperationKind
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.table import interrupting

NOT_REPAIRED = {"administrator"}
NODES = interrupting(replace(node, undo=Undo.NOTHING) for node in PROVISION.nodes if node.name not in NOT_REPAIRED)


def _succeeded(operation: Operation) -> None:
    """Nothing else is true of the instance than before, only more surely."""
    instance = Instance.objects.get(pk=operation.instance_id)
    record("instance.repaired", instance, organization_id=instance.organization_id, actor_label="engine")


REPAIR = Workflow(OperationKind.REPAIR, NODES, OnFailure.KEEP, _succeeded)
