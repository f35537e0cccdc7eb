"""Resize: the same instance with more or less to work with.

The database server and the nodes change side by side; a standby grows before its server, and shrinks after it. Disks
grow only once both have: they never shrink again, so nothing that Google may refuse comes after them. When anything
fails, all but the disks goes back as it was.
"""

from portal.core.audit import record
from provisioning.engine.action import minutes, seconds
from provisioning.engine.graph import OnFailure, Undo, Workflow
from provisioning.models import Instance, Operation, OperationKind, Size, StepStatus, Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import application, gke, preflight, release, rollout, sql, standby_database, volumes
from provisioning.workflows.table import GOOGLE, interrupting, line

SOON, SHORT, LONG = minutes(1), minutes(20), minutes(60)
HOURS = minutes(360)  # a standby that is lost is copied anew
NOTHING = Undo.NOTHING  # it only watches, or cannot be taken back: disks never shrink
REVERT = Undo.REVERT
# The disks that a step has grown once it is done. On a brought cluster the databases' are volumes like the others.
GROWN_BY = {
    Tenancy.DEDICATED: {"database": {"sql_disk_gb"}, "volumes": {"gitserver_disk_gb", "search_disk_gb"}},
    Tenancy.BYOK: {"volumes": {"sql_disk_gb", "gitserver_disk_gb", "search_disk_gb"}},
}


# fmt: off
NODES = interrupting((
    line("preflight", "", preflight.Preflight(), NOTHING, seconds(2), SOON),
    line("point-of-return", "preflight", preflight.PointOfReturn(), REVERT, seconds(2), LONG),
    line("grown-standby", "point-of-return", standby_database.GrownStandby(reverts=True), REVERT, minutes(3), HOURS,
         GOOGLE),
    line("database", "grown-standby", sql.DatabaseServer(), REVERT, minutes(3), LONG, GOOGLE),
    line("standby-database", "database", standby_database.ShrunkStandby(reverts=True), REVERT, minutes(3), HOURS,
         GOOGLE),
    line("nodes", "point-of-return", gke.NodePool(), REVERT, minutes(6), LONG, GOOGLE),
    line("volumes", "standby-database nodes", volumes.VolumeSizes(), NOTHING, seconds(30), SHORT),
    line("application", "volumes", release.Application(), REVERT, seconds(15), SHORT),
    line("rollout", "application", rollout.Rollout(), NOTHING, seconds(120), LONG),
    line("health", "rollout", application.Health(), NOTHING, seconds(5), SHORT),
))
# fmt: on


def _succeeded(operation: Operation) -> None:
    """The instance has the size that was asked for, on the larger of its disks before and after."""
    wanted = InstanceSpec.from_json(operation.wanted).size
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    before = instance.size_id
    instance.size = Size.objects.get(pk=wanted.name)
    instance.disk_floor_gb = wanted.disks
    instance.save(update_fields=["size", "disk_floor_gb"])
    record(
        "instance.resized",
        instance,
        organization_id=instance.organization_id,
        actor_label="engine",
        details={"from": before, "to": wanted.name},
    )


def _undone(operation: Operation) -> None:
    """The instance is as it was, but for the disks that had grown already: those it keeps.

    That a step had grown its disks is told by its outputs, which stay when it is undone. A disk that grew without a
    record of it does no harm: no step takes a disk that is larger than it need be for wrong.
    """
    instance = Instance.objects.select_for_update().get(pk=operation.instance_id)
    done = operation.steps.filter(status=StepStatus.UNDONE).exclude(outputs={}).values_list("name", flat=True)
    grown = set[str]().union(*(GROWN_BY[Tenancy(instance.tenancy)].get(step, set()) for step in done))
    if grown:
        wanted = InstanceSpec.from_json(operation.wanted).size.disks
        instance.disk_floor_gb = {**instance.disk_floor_gb, **{disk: wanted[disk] for disk in grown}}
        instance.save(update_fields=["disk_floor_gb"])


RESIZE = Workflow(OperationKind.RESIZE, NODES, OnFailure.UNDO, _succeeded, _undone)
