"""Provision: from nothing to an instance that its people can open.

The database and the cluster take longest and come up side by side; the application waits for both. On a cluster that
somebody brings, all that is Google's is left out.
"""

from dataclasses import replace

from portal.core import clock
from portal.core.audit import record
from portal.core.mail import queue
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.mail import INSTANCE_READY
from provisioning.models import ConnectionStatus, Instance, InstanceStatus, Operation, OperationKind
from provisioning.steps import (
    access,
    application,
    armor,
    backups,
    custom_domain,
    dns,
    executor_nodes,
    executor_token,
    gke,
    kubernetes,
    logs,
    monitoring,
    network,
    private_endpoint,
    project,
    release,
    rollout,
    secrets,
    services,
    site_configuration,
    sql,
    standby_database,
    standby_volumes,
    volumes,
)
from provisioning.steps.parts import Removes
from provisioning.workflows.table import BROUGHT, GOOGLE, line, put_out_by

SHORT, LONG = minutes(20), minutes(60)
HOURS = minutes(360)  # large databases are copied
REMOVE = Undo.REMOVE
NOTHING = Undo.NOTHING  # it goes with the project, the database server or the namespace, or it only watches
OWN_NAME = "Its own name works; links lead there until a repair finds the custom domain in force."


# fmt: off
NODES = (
    line("project", "", project.Project(), REMOVE, seconds(20), SHORT, GOOGLE),
    line("billing", "project", project.Billing(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("lock", "project", project.DeletionLock(), REMOVE, seconds(2), SHORT, GOOGLE),
    line("services", "billing", services.EnabledServices(), NOTHING, seconds(120), SHORT, GOOGLE),
    line("log-retention", "services", logs.LogRetention(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("service-agents", "services", access.ServiceAgents(), NOTHING, seconds(10), SHORT, GOOGLE),
    line("service-accounts", "services", access.ServiceAccounts(), NOTHING, seconds(5), SHORT, GOOGLE),
    line("permissions", "service-accounts service-agents", access.Permissions(), NOTHING, seconds(25), SHORT, GOOGLE),

    line("network", "services", network.Network(), REMOVE, seconds(20), SHORT, GOOGLE),
    line("subnet", "network", network.Subnet(), REMOVE, seconds(20), SHORT, GOOGLE),
    line("gateway", "network", network.Gateway(), REMOVE, seconds(20), SHORT, GOOGLE),
    line("private-endpoint", "subnet", private_endpoint.PrivateEndpointOfFeature(), REMOVE, seconds(2), SHORT, GOOGLE),
    line("private-range", "network", network.RangeOfArchitecture(), REMOVE, seconds(10), SHORT, GOOGLE),
    line("private-connection", "private-range service-agents", network.ConnectionOfArchitecture(), REMOVE,
         seconds(90), SHORT, GOOGLE),
    line("address", "services", network.Address(), REMOVE, seconds(5), SHORT, GOOGLE),
    line("dns", "address", dns.DnsRecord(), REMOVE, seconds(2), SHORT, GOOGLE),

    line("secrets", "services", secrets.Secrets(), NOTHING, seconds(3), SHORT, GOOGLE),
    line("database", "private-connection", sql.DatabaseServer(), REMOVE, minutes(10), LONG, GOOGLE),
    line("databases", "database", sql.Databases(), NOTHING, seconds(30), SHORT, GOOGLE),
    line("database-user", "databases secrets", sql.DatabaseUser(), NOTHING, seconds(10), SHORT, GOOGLE),

    line("standby-database", "database-user", standby_database.StandbyOfFeature(), REMOVE, minutes(20), HOURS, GOOGLE),

    line("cluster", "subnet permissions", gke.Cluster(), REMOVE, minutes(7), LONG, GOOGLE),
    line("nodes", "cluster", gke.NodePool(), NOTHING, seconds(5), LONG, GOOGLE),
    line("executor-nodes", "nodes", executor_nodes.ExecutorNodes(), NOTHING, minutes(2), LONG, GOOGLE),
    line("backup-plan", "cluster", backups.PlanOfArchitecture(), REMOVE, seconds(20), SHORT, GOOGLE),
    line("standby-volumes", "cluster", standby_volumes.StandbyVolumes(), REMOVE, seconds(20), SHORT, GOOGLE),

    line("namespace", "cluster", kubernetes.Namespace(), REMOVE, seconds(2), SHORT),
    line("cluster-secrets", "namespace", secrets.Secrets(), NOTHING, seconds(2), SHORT, BROUGHT),
    line("allow-list", "secrets", armor.AllowList(removes=Removes.GOING_BACK), REMOVE, seconds(5), SHORT, GOOGLE),
    line("connections", "namespace database secrets cluster-secrets", kubernetes.Connections(), NOTHING,
         seconds(2), SHORT),
    line("executor-token", "namespace secrets", executor_token.ExecutorToken(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("custom-domain", "namespace", custom_domain.Certificates(removes=Removes.GOING_BACK), NOTHING,
         seconds(2), SHORT, GOOGLE),
    line("application",
         "connections executor-nodes executor-token gateway address database-user allow-list custom-domain",
         release.Application(), REMOVE, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), minutes(45)),
    line("allow-list-in-force", "rollout", armor.AllowListInForce(removes=Removes.GOING_FORWARD), NOTHING,
         seconds(2), SHORT, GOOGLE),
    line("volumes", "rollout", volumes.VolumeSizes(), NOTHING, seconds(1), SHORT),
    line("health", "rollout dns", application.Health(), NOTHING, seconds(5), LONG),
    replace(line("custom-domain-in-force", "rollout dns", custom_domain.InForce(), NOTHING, seconds(2), LONG, GOOGLE),
            gives_up=OWN_NAME),
    line("site-configuration", "health custom-domain-in-force", site_configuration.SiteConfiguration(), NOTHING,
         seconds(10), SHORT),
    line("former-certificates", "site-configuration", custom_domain.Certificates(removes=Removes.GOING_FORWARD),
         NOTHING, seconds(2), SHORT, GOOGLE),
    line("administrator", "site-configuration", application.SiteAdmin(), NOTHING, seconds(2), SHORT),
    line("monitoring", "health", monitoring.Monitoring(), REMOVE, seconds(4), SHORT, GOOGLE),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance runs, and who asked for it will know."""
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    instance.status = InstanceStatus.RUNNING
    instance.ready_at = instance.ready_at or clock.now()
    endpoint = put_out_by(operation, "private-endpoint")
    instance.connection_status = ConnectionStatus.told(endpoint.get(private_endpoint.STATUS))
    instance.save(update_fields=["status", "ready_at", "connection_status"])
    record("instance.ready", instance, organization_id=instance.organization_id, actor_label="engine")
    queue(
        key=f"{INSTANCE_READY}:{instance.pk}",
        kind=INSTANCE_READY,
        recipient=instance.admin_email,
        context={"instance": instance.pk},
    )


PROVISION = Workflow(OperationKind.PROVISION, NODES, OnFailure.KEEP, _succeeded)
