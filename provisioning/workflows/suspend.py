"""Suspend: the instance is switched off, and everything on it is kept (decision 12).

First nobody is woken, and what there is to go back to is noted. Then its name leads to a page that says why, so that
nobody meets a dead address; then the nodes go, with all that runs on them, and last the database server stops, since
nobody asks it anything any more, once nothing follows it: what did, goes. Disks, databases, backups, network and
cluster stay. When anything fails, all of it goes back in reverse: the database first, and nobody is woken again before
the instance answers.
"""

from portal.core import clock
from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, SuspensionNotice
from provisioning.steps import dns, executor_nodes, gke, monitoring, network, preflight, sql, standby_database
from provisioning.workflows.table import GOOGLE, line

SHORT, LONG = minutes(20), minutes(60)
HOURS = minutes(360)  # going back, large databases are copied anew
NOTHING = Undo.NOTHING  # it only looks: what the name is to lead back to
REVERT = Undo.REVERT


# fmt: off
NODES = (
    line("monitoring", "", monitoring.Monitoring(), REVERT, seconds(4), SHORT, GOOGLE),
    line("point-of-return", "monitoring", preflight.PointOfReturn(), REVERT, seconds(2), LONG, GOOGLE),
    line("address", "point-of-return", network.Address(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("dns", "address", dns.DnsRecord(), REVERT, seconds(2), SHORT, GOOGLE),
    line("executor-nodes", "dns", executor_nodes.ExecutorNodes(), REVERT, minutes(3), LONG, GOOGLE),
    line("nodes", "executor-nodes", gke.NodePool(), REVERT, minutes(3), LONG, GOOGLE),
    line("standby-database", "nodes", standby_database.StandbyOfFeature(reverts=True), REVERT, minutes(3), HOURS,
         GOOGLE),
    line("database", "standby-database", sql.DatabaseServer(), REVERT, minutes(3), LONG, GOOGLE),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance is suspended, and says why. One that was so already is so since then."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    instance.status = InstanceStatus.SUSPENDED
    instance.suspended_at = instance.suspended_at or clock.now()
    instance.suspended_because = operation.inputs.get("notice") or SuspensionNotice.BY_US
    instance.save(update_fields=["status", "suspended_at", "suspended_because"])
    record(
        "instance.suspended",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={"notice": instance.suspended_because},
    )


SUSPEND = Workflow(OperationKind.SUSPEND, NODES, OnFailure.UNDO, _succeeded)
