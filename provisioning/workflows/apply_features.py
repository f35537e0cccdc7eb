"""Apply features: what customers have opted in to is switched on, and what has ended is switched off.

All of it in one operation, however many features: the spec that it was asked with has them all. What the application is
to find comes first: the way out, who may come in, nodes, what it is to know of itself. Who may come in is decided
before the load balancer asks for that, and is forgotten once nobody asks any more (decision 17). What the application
has left goes after it, and so does what follows it in another region (decision 24). How long logs are kept comes last,
since keeping them shorter is the one thing that cannot be taken back. When anything fails, all of it goes back.
"""

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import ConnectionStatus, Instance, Operation, OperationKind
from provisioning.spec import InstanceSpec
from provisioning.steps import (
    application,
    armor,
    custom_domain,
    executor_nodes,
    executor_token,
    former_home,
    logs,
    monitoring,
    network,
    preflight,
    private_endpoint,
    release,
    rollout,
    secrets,
    services,
    site_configuration,
    standby_database,
    standby_volumes,
)
from provisioning.steps.parts import Removes
from provisioning.workflows.table import GOOGLE, line, put_out_by

SOON, SHORT, LONG = minutes(1), minutes(20), minutes(45)
CERTIFIED = minutes(120)  # Google says that a certificate takes up to an hour
COPY = minutes(360)  # large databases take that long
# It only watches, is a service that may stay enabled, what it generated opens nothing, or what is gone stays so.
NOTHING = Undo.NOTHING
REVERT = Undo.REVERT


# One after the other: Google shows an address only some seconds after it was asked for, and who goes back in between,
# because something beside it has failed, would not find it.
# fmt: off
NODES = (
    line("preflight", "", preflight.Preflight(), NOTHING, seconds(2), SOON),
    line("point-of-return", "preflight", preflight.PointOfReturn(), REVERT, seconds(2), LONG),
    line("gateway", "point-of-return", network.Gateway(), REVERT, seconds(20), SHORT, GOOGLE),
    line("allow-list", "gateway", armor.AllowList(reverts=True, removes=Removes.GOING_BACK), REVERT, seconds(10), SHORT,
         GOOGLE),
    line("monitoring", "allow-list", monitoring.Monitoring(), REVERT, seconds(4), SHORT, GOOGLE),
    line("services", "monitoring", services.EnabledServices(), NOTHING, seconds(5), SHORT, GOOGLE),
    line("private-endpoint", "services", private_endpoint.PrivateEndpointOfFeature(reverts=True), REVERT, seconds(40),
         SHORT, GOOGLE),
    line("executor-nodes", "private-endpoint", executor_nodes.NewExecutorNodes(), REVERT, minutes(3), LONG, GOOGLE),
    line("secrets", "executor-nodes", secrets.Secrets(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("executor-token", "secrets", executor_token.ExecutorToken(), REVERT, seconds(2), SHORT, GOOGLE),
    line("custom-domain", "executor-token", custom_domain.Certificates(removes=Removes.GOING_BACK), REVERT, seconds(2),
         SHORT, GOOGLE),
    line("site-configuration", "custom-domain", site_configuration.SiteConfiguration(), REVERT, seconds(10), SHORT),
    line("application", "site-configuration", release.Application(), REVERT, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(60), LONG),
    line("allow-list-in-force", "rollout", armor.AllowListInForce(reverts=True, removes=Removes.GOING_FORWARD), REVERT,
         seconds(60), SHORT, GOOGLE),
    line("custom-domain-in-force", "rollout", custom_domain.InForce(), NOTHING, minutes(15), CERTIFIED, GOOGLE),
    line("custom-domain-links", "custom-domain-in-force", site_configuration.Links(), REVERT, seconds(10), SHORT,
         GOOGLE),
    line("health", "rollout allow-list-in-force custom-domain-links", application.Health(), NOTHING, seconds(5), SHORT),
    line("spare-executor-nodes", "health", executor_nodes.SpareExecutorNodes(), REVERT, minutes(2), LONG, GOOGLE),
    line("former-home", "health", former_home.FormerHome(), NOTHING, seconds(2), LONG, GOOGLE),
    line("standby-database", "former-home", standby_database.StandbyOfFeature(reverts=True), REVERT, minutes(20), COPY,
         GOOGLE),
    line("standby-volumes", "former-home", standby_volumes.StandbyVolumes(reverts=True), REVERT, seconds(20), SHORT,
         GOOGLE),
    line("log-retention", "standby-database standby-volumes", logs.LogRetention(), REVERT, seconds(5), SHORT, GOOGLE),
    line("former-certificates", "spare-executor-nodes log-retention",
         custom_domain.Certificates(removes=Removes.GOING_FORWARD), REVERT, seconds(2), SHORT, GOOGLE),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance has the features that were asked for; people can read from which address it calls."""
    wanted = InstanceSpec.from_json(operation.wanted)
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    before, instance.features = instance.features, operation.wanted["features"]
    instance.outbound_address = put_out_by(operation, "gateway").get("outbound_address")
    endpoint = put_out_by(operation, "private-endpoint")
    instance.connection_status = ConnectionStatus.told(endpoint.get(private_endpoint.STATUS))
    instance.lost_region = wanted.lost_region
    instance.save(update_fields=["features", "outbound_address", "connection_status", "lost_region"])
    record(
        "instance.features-applied",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={
            "from": [feature["name"] for feature in before],
            "to": [feature.name for feature in wanted.features],
        },
    )


APPLY_FEATURES = Workflow(OperationKind.APPLY_FEATURES, NODES, OnFailure.UNDO, _succeeded)
