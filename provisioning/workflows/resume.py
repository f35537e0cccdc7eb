"""Resume: a suspended instance runs again, as it was (decision 12).

The database server comes first, since everything asks it at once when it starts; then the nodes, and with them the
workload; what follows the server in another region is made anew beside that. Once that is up, the name leads to the
instance again, and it has to answer there, as people reach it. Only then is somebody woken again when it does not. What
fails stops where it is and destroys nothing: the rest is tried again, or what has come up is put back to sleep.
"""

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind
from provisioning.steps import (
    application,
    dns,
    executor_nodes,
    gke,
    monitoring,
    network,
    rollout,
    sql,
    standby_database,
)
from provisioning.workflows.table import GOOGLE, line

SHORT, LONG = minutes(20), minutes(60)
HOURS = minutes(360)  # large databases are copied
NOTHING = Undo.NOTHING  # it only watches
REVERT = Undo.REVERT  # asked for by a person alone


# fmt: off
NODES = (
    line("address", "", network.Address(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("database", "", sql.DatabaseServer(), REVERT, minutes(4), LONG, GOOGLE),
    line("standby-database", "database", standby_database.StandbyOfFeature(reverts=True), REVERT, minutes(20), HOURS,
         GOOGLE),
    line("nodes", "database", gke.NodePool(), REVERT, minutes(4), LONG, GOOGLE),
    line("executor-nodes", "nodes", executor_nodes.ExecutorNodes(), REVERT, minutes(3), LONG, GOOGLE),
    line("rollout", "executor-nodes", rollout.Rollout(), NOTHING, minutes(3), LONG, GOOGLE),
    line("dns", "rollout address", dns.DnsRecord(), REVERT, seconds(2), SHORT, GOOGLE),
    line("health", "dns", application.Health(), NOTHING, seconds(60), LONG, GOOGLE),
    line("monitoring", "health", monitoring.Monitoring(), REVERT, seconds(4), SHORT, GOOGLE),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance runs; how long it was suspended is in the audit."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    since = instance.suspended_at
    instance.status = InstanceStatus.RUNNING
    instance.suspended_at, instance.suspended_because = None, ""
    instance.save(update_fields=["status", "suspended_at", "suspended_because"])
    record(
        "instance.resumed",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={"suspended_at": since.isoformat() if since else None},
    )


RESUME = Workflow(OperationKind.RESUME, NODES, OnFailure.KEEP, _succeeded)
