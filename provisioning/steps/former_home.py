"""What is left where an instance was before its standby took over: removed once that region is back (decision 24)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from provisioning.clients.google import api, execute
from provisioning.clients.google.operations import check
from provisioning.engine.action import Action, AsWanted, Context, Differs, Missing, NotYet, Seen, UnderWay
from provisioning.fleet.standby import other_region
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.backups import BackupPlan, StandbyPlan
from provisioning.steps.gke import Cluster
from provisioning.steps.google import GoogleAction
from provisioning.steps.leftovers import leftovers_in, sweep
from provisioning.steps.network import Address, Gateway, Subnet
from provisioning.steps.private_endpoint import Endpoint, EndpointAddress
from provisioning.steps.sql import DatabaseServer

NOTHING: Final = "nothing is left of where the instance was before"


class RestorePlan(GoogleAction):
    """Plan by which the volumes were restored"""

    def see(self, context: Context) -> Seen:
        plan = execute(_restore_plans().get(name=self._path(context)))
        return UnderWay("the restore plan to be gone") if plan.get("state") == "DELETING" else AsWanted()

    def remove(self, context: Context) -> str:
        check(execute(_restore_plans().delete(name=self._path(context), force=True)))
        return "asked for the deletion of the restore plan"

    def resource(self, context: Context) -> str:
        return f"//gkebackup.googleapis.com/{self._path(context)}"

    def _path(self, context: Context) -> str:
        """In the region that has taken over: of a former home it is the other one."""
        return names.restore_plan_path(replace(context.spec, region=other_region(context.spec.region)))


class ZonalLeftovers(GoogleAction):
    """Disks and endpoint groups in the former zone"""

    def see(self, context: Context) -> Seen:
        left = list(leftovers_in(context.spec.id, names.zone(context.spec)))
        return Differs(", ".join(each.name for each in left)) if left else Missing("no disks or endpoint groups there")

    def remove(self, context: Context) -> str:
        sweep(context.spec.id, names.zone(context.spec))
        return "found nothing left"


# In the order in which they go. What is of the project, and not of a region, stays: the instance has it still.
PIECES: Final[tuple[tuple[str, Action], ...]] = (
    ("the restore plan", RestorePlan()),
    ("the backups that were restored", StandbyPlan()),
    ("the daily backups", BackupPlan()),
    ("the cluster", Cluster()),
    ("disks and endpoint groups", ZonalLeftovers()),
    ("the database server", DatabaseServer()),
    ("the private endpoint", Endpoint()),
    ("the address of the private endpoint", EndpointAddress()),
    ("the gateway", Gateway()),
    ("the subnet", Subnet()),
    ("the public address", Address()),
)


class FormerHomeGone(GoogleAction):
    """What is left in the former region

    Its database server is among it, with what was written there and never copied.
    """

    def see(self, context: Context) -> Seen:
        if not context.spec.takeovers:
            return Missing(NOTHING)
        left = list(_left(context))
        under_way = next((seen for _what, _piece, seen in left if isinstance(seen, UnderWay)), None)
        if under_way:
            return under_way
        return Differs(f"left there: {', '.join(what for what, _piece, _seen in left)}") if left else Missing(NOTHING)

    def remove(self, context: Context) -> str:
        """The next of it goes, once what goes is gone."""
        there = former(context)
        for _what, piece, seen in _left(context):
            if isinstance(seen, UnderWay):
                raise NotYet(seen.why, seen.again)
            return piece.drop(there)
        return "found nothing left"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "compute", f"regions/{other_region(context.spec.region)}")


class FormerHome(FormerHomeGone):
    """What is left in the former region

    While that is lost, nothing is done there.
    """

    def look(self, context: Context) -> Seen:
        if not context.spec.takeovers or context.spec.lost_region:
            return AsWanted()
        seen = super().look(context)
        return AsWanted() if isinstance(seen, Missing) else seen

    def make(self, context: Context) -> str:
        return self.drop(context)


class FormerCluster(Cluster):
    """Cluster in the former region

    It must not begin to work again when that region is back.
    """

    def look(self, context: Context) -> Seen:
        seen = super().look(former(context))
        return AsWanted() if isinstance(seen, Missing) else seen if isinstance(seen, UnderWay) else Differs("it stands")

    def make(self, context: Context) -> str:
        return self.drop(former(context))

    def resource(self, context: Context) -> str:
        return super().resource(former(context))


def former(context: Context) -> Context:
    """The same before the last takeover."""
    return replace(context, spec=former_spec(context.spec))


def former_spec(spec: InstanceSpec) -> InstanceSpec:
    """The instance as it was where its standby has taken over since."""
    return replace(spec, takeovers=spec.takeovers - 1, region=other_region(spec.region), lost_region="")


def _left(context: Context) -> Iterator[tuple[str, Action, Seen]]:
    there = former(context)
    for what, piece in PIECES:
        seen = piece.look(there)
        if not isinstance(seen, Missing):
            yield what, piece, seen


def _restore_plans() -> Any:
    return api("gkebackup", "v1").projects().locations().restorePlans()
