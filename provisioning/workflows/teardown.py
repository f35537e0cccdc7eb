"""Teardown: the instance is no more, and that is proved.

Before anything goes, what is to be kept for a while is exported, where that was asked for: when it cannot be, nothing
has been removed yet. Then nobody is woken and nobody comes in, then what holds data goes (workload, volumes, backups,
cluster, database), then the network, then the project. The network may resist for days after the database is gone: it
dies with the project, so its lines give up. Whatever was never built counts as gone.
"""

from datetime import timedelta

from portal.core import clock
from portal.core.audit import record
from provisioning.engine.action import Action, minutes, seconds
from provisioning.engine.graph import Goal, Node, OnFailure, Undo, Workflow
from provisioning.fleet import certificates
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind
from provisioning.steps import (
    armor,
    backups,
    dns,
    final_backup,
    former_home,
    gke,
    kubernetes,
    leftovers,
    monitoring,
    network,
    private_endpoint,
    project,
    proof,
    release,
    sql,
    standby_database,
    standby_volumes,
)
from provisioning.workflows.table import GOOGLE, line

SHORT, LONG = minutes(20), minutes(60)
HOURS = minutes(360)  # large databases are written out
PATIENCE = minutes(10)
DIES_ANYWAY = "Google still holds on to it; it goes with the project."


def _line(
    name: str,
    needs: str,
    action: Action,
    usual: timedelta,
    deadline: timedelta,
    tenancies: frozenset[str] = frozenset(),
    gives_up: str = "",
) -> Node:
    """Nothing of a teardown can be taken back."""
    return Node(name, tuple(needs.split()), action, Undo.NOTHING, usual, deadline, Goal.ABSENT, tenancies, gives_up)


# fmt: off
NODES = (
    line("final-backup", "", final_backup.FinalBackup(), Undo.NOTHING, minutes(4), HOURS, GOOGLE),
    _line("monitoring", "final-backup", monitoring.Monitoring(), seconds(4), SHORT, GOOGLE),
    _line("dns", "monitoring", dns.DnsRecord(), seconds(2), SHORT, GOOGLE),
    _line("application", "dns", release.Application(), seconds(10), SHORT),
    _line("volumes", "application", kubernetes.Volumes(), seconds(20), SHORT),
    _line("namespace", "volumes", kubernetes.Namespace(), seconds(30), SHORT),
    _line("backup-plan", "namespace", backups.BackupPlan(), seconds(30), SHORT, GOOGLE),
    _line("standby-volumes", "namespace", standby_volumes.StandbyVolumesGone(), seconds(30), SHORT, GOOGLE),
    _line("former-home", "application", former_home.FormerHomeGone(), seconds(2), LONG, GOOGLE),
    _line("cluster", "backup-plan standby-volumes", gke.Cluster(), minutes(4), LONG, GOOGLE),
    _line("leftovers", "cluster", leftovers.Leftovers(), seconds(10), SHORT, GOOGLE),
    _line("standby-database", "application", standby_database.StandbyDatabase(), minutes(3), LONG, GOOGLE),
    _line("database", "standby-database former-home", sql.DatabaseServer(), minutes(3), LONG, GOOGLE),

    _line("allow-list", "leftovers", armor.SecurityPolicy(), seconds(5), PATIENCE, GOOGLE, DIES_ANYWAY),
    _line("address", "leftovers", network.Address(), seconds(5), PATIENCE, GOOGLE, DIES_ANYWAY),
    _line("private-connection", "database", network.PrivateConnection(), minutes(3), PATIENCE, GOOGLE, DIES_ANYWAY),
    _line("private-range", "private-connection", network.PrivateRange(), seconds(5), PATIENCE, GOOGLE, DIES_ANYWAY),
    _line("private-endpoint", "application", private_endpoint.PrivateEndpoint(), seconds(20), PATIENCE, GOOGLE,
          DIES_ANYWAY),
    _line("gateway", "leftovers", network.Gateway(), seconds(20), PATIENCE, GOOGLE, DIES_ANYWAY),
    _line("subnet", "leftovers former-home private-endpoint", network.Subnet(), seconds(20), PATIENCE, GOOGLE,
          DIES_ANYWAY),
    _line("network", "private-range gateway subnet", network.Network(), seconds(30), PATIENCE, GOOGLE, DIES_ANYWAY),

    _line("lock", "network address allow-list", project.DeletionLock(), seconds(2), SHORT, GOOGLE),
    _line("project", "lock", project.Project(), seconds(5), SHORT, GOOGLE),
    _line("proof", "project namespace", proof.Proof(), seconds(3), SHORT),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance is deleted; its name is free again, and a certificate says so."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    instance.status = InstanceStatus.DELETED
    instance.deleted_at = clock.now()
    instance.suspended_at, instance.suspended_because = None, ""
    instance.save(update_fields=["status", "deleted_at", "suspended_at", "suspended_because"])
    record("instance.deleted", instance, organization_id=instance.organization_id, actor_label="engine")
    certificates.issue(operation)


TEARDOWN = Workflow(OperationKind.TEARDOWN, NODES, OnFailure.KEEP, _succeeded)
