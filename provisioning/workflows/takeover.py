"""Takeover: the instance comes up in the other region, since its own is lost (decision 24).

Which copies there are is looked at first. Then the databases that followed follow nobody any more, while network,
cluster and nodes come up beside them by the lines of provision, under the spec of the other region; the volumes come
back from their newest backup there, and the application after both. Once it is up, the name leads to it, and it has to
answer there. What was built is kept when a step fails: the way on is a retry. Last, the former cluster goes, if its
region can be reached: nobody may begin to work there again. All else that is left there waits for a person.
"""

from collections.abc import Iterator
from dataclasses import replace

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import Node, OnFailure, Undo, Workflow
from provisioning.mail import taken_over
from provisioning.models import Instance, Operation, OperationKind
from provisioning.spec import InstanceSpec
from provisioning.steps import former_home, sql, takeover
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.table import GOOGLE, line, put_out_by

SHORT, LONG, HOURS = minutes(20), minutes(60), minutes(360)
PATIENCE = minutes(5)  # the instance answers already
NOTHING = Undo.NOTHING  # what is lost does not come back by it
STAYS = "The region could not be reached: its cluster goes when the standby is set up again."
COPIES, RESTORED = takeover.FOUND_BY, "restored-volumes"
# Lines of provision, each with what it needs here: by name, in their order.
BUILT = {
    "subnet": COPIES,
    "gateway": COPIES,
    "address": COPIES,
    "cluster": "subnet",
    "nodes": "cluster",
    "executor-nodes": "nodes",
    "backup-plan": "cluster",
    "namespace": "cluster",
    "allow-list": COPIES,
    "connections": "namespace database",
    "executor-token": "namespace",
    "custom-domain": "namespace",
    "application": f"connections {RESTORED} executor-nodes executor-token gateway address allow-list custom-domain",
    "rollout": "application",
    "allow-list-in-force": "rollout",
    "volumes": "rollout",
    "dns": "rollout address",
    "health": "dns allow-list-in-force",
    "custom-domain-in-force": "health",
    "site-configuration": "custom-domain-in-force",
    "monitoring": "health",
}


def _built() -> Iterator[Node]:
    for name, needs in BUILT.items():
        node = PROVISION.find(name)
        if node is None:
            raise ValueError(f"Provision has no line “{name}”.")
        yield replace(node, needs=tuple(needs.split()), undo=NOTHING, tenancies=GOOGLE)


# fmt: off
NODES = (
    line(COPIES, "", takeover.Copies(), NOTHING, seconds(2), SHORT, GOOGLE),
    line("promotion", COPIES, takeover.Promotion(), NOTHING, minutes(5), LONG, GOOGLE),
    line("database", "promotion", sql.DatabaseServer(), NOTHING, minutes(5), LONG, GOOGLE),
    *_built(),
    line(RESTORED, "namespace nodes", takeover.RestoredVolumes(), NOTHING, minutes(20), HOURS, GOOGLE),
    replace(line("former-cluster", "monitoring", former_home.FormerCluster(), NOTHING, minutes(4), PATIENCE, GOOGLE),
            gives_up=STAYS),
)
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance is in the other region, by the features that can be had there; its people know what was lost."""
    wanted = InstanceSpec.from_json(operation.wanted)
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    before, instance.region = instance.region, wanted.region
    instance.takeovers, instance.lost_region = wanted.takeovers, wanted.lost_region
    instance.features = operation.wanted["features"]
    instance.outbound_address = put_out_by(operation, "gateway").get("outbound_address")
    instance.connection_status = ""
    fields = ["region", "takeovers", "lost_region", "features", "outbound_address", "connection_status"]
    instance.save(update_fields=fields)
    details = {"from": before, "to": instance.region, "volumes_of": put_out_by(operation, COPIES).get("taken_at", "")}
    record(
        "instance.taken-over",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={**details, **operation.inputs},
    )
    taken_over(operation, instance, volumes_of=str(details["volumes_of"]))


TAKEOVER = Workflow(OperationKind.TAKEOVER, NODES, OnFailure.KEEP, _succeeded)
