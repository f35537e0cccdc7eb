"""Migrate architecture: the same instance on the next template of the infrastructure, changed where it stands.

These are lines of provision, in an order that keeps people working: what is new comes beside what it replaces, whatever
runs takes to it, and only then the old goes. What its architecture has already is found as it should be. When anything
fails, all of it goes back, but for one thing: Cloud SQL never takes back a private address, and so its range and
connection stay. The older architecture runs on with them, and does without.
"""

from dataclasses import replace
from datetime import timedelta

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Instance, Operation, OperationKind
from provisioning.steps import (
    access,
    application,
    backups,
    executor_nodes,
    gke,
    kubernetes,
    network,
    outside,
    preflight,
    release,
    rollout,
    sql,
)
from provisioning.workflows.table import GOOGLE, line

SOON, SHORT, LONG, HOURS = minutes(1), minutes(20), minutes(60), minutes(180)
NOTHING = Undo.NOTHING  # it only watches, or cannot be taken back: a private address of the database
REVERT = Undo.REVERT
# How long people cannot use the instance meanwhile; by what of it restarts. The rest happens beside what runs.
INTERRUPTIONS = {
    # Cloud SQL restarts when it joins the network.
    "database": seconds(60),
    # Nodes are replaced one by one, and twice: Google changes their addresses and their metadata server one at a time.
    "nodes": minutes(10),
}


# fmt: off
_LINES = (
    line("preflight", "", preflight.Preflight(), NOTHING, seconds(2), SOON, GOOGLE),
    line("unchanged", "", preflight.Unchanged(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("point-of-return", "preflight unchanged", preflight.PointOfReturn(), REVERT, seconds(2), LONG, GOOGLE),

    line("private-range", "point-of-return", network.RangeOfArchitecture(), NOTHING, seconds(10), SHORT, GOOGLE),
    line("private-connection", "private-range", network.ConnectionOfArchitecture(), NOTHING, seconds(90), SHORT,
         GOOGLE),
    line("database", "private-connection", sql.PrivateAddress(), NOTHING, minutes(3), LONG, GOOGLE),
    line("connections", "database", kubernetes.Connections(), REVERT, seconds(2), SHORT, GOOGLE),

    line("cluster", "point-of-return", gke.Cluster(), REVERT, minutes(4), LONG, GOOGLE),
    line("nodes", "cluster connections", gke.NodePool(), REVERT, minutes(12), HOURS, GOOGLE),
    line("executor-nodes", "nodes", executor_nodes.ExecutorNodes(), REVERT, minutes(12), HOURS, GOOGLE),
    line("backup-plan", "cluster", backups.PlanOfArchitecture(reverts=True), REVERT, seconds(20), SHORT, GOOGLE),

    # All pods have begun anew with their nodes, so that none goes through the old way to the database any more.
    line("application", "executor-nodes", release.Application(), REVERT, seconds(15), SHORT, GOOGLE),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), LONG, GOOGLE),
    line("health", "rollout", application.Health(), NOTHING, seconds(5), SHORT, GOOGLE),

    line("permissions", "health", access.Permissions(), REVERT, seconds(5), SHORT, GOOGLE),
    line("public-address", "health", sql.DatabaseServer(), REVERT, minutes(1), LONG, GOOGLE),
    line("uptime", "permissions public-address backup-plan", outside.Uptime(), NOTHING, seconds(3), SHORT, GOOGLE),
)
# fmt: on
NODES = tuple(replace(node, interrupts=INTERRUPTIONS.get(node.name, timedelta(0))) for node in _LINES)


def _succeeded(operation: Operation) -> None:
    """The instance has the architecture that was asked for."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    before, instance.architecture = instance.architecture, operation.wanted["architecture"]
    instance.save(update_fields=["architecture"])
    record(
        "instance.architecture-migrated",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={"from": before, "to": instance.architecture},
    )


MIGRATE_ARCHITECTURE = Workflow(OperationKind.MIGRATE_ARCHITECTURE, NODES, OnFailure.UNDO, _succeeded)
