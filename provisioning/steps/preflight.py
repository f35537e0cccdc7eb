"""Before a running instance is changed: whether it answers, whether it is as it was applied, and what to go back to."""

from lightkube.core.client import Client

from provisioning.clients.application import NoAnswer
from provisioning.engine.action import Action, AsWanted, Context, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.application import Health
from provisioning.steps.kubernetes import ClusterAction
from provisioning.steps.manifest import changed_by_hand
from provisioning.steps.reaching import application_of
from provisioning.steps.release import DEPLOYED, newest_revision
from provisioning.steps.rollout import Rollout


class Preflight(Action):
    """Health check before the change

    What does not answer is not changed: nobody could tell afterwards whether the change broke it.
    """

    def look(self, context: Context) -> Seen:
        before = _before(context)
        with application_of(before) as application:
            try:
                application.check_health()
                version = application.version()
            except NoAnswer as error:
                return UnderWay(f"{before.domain} to answer before it is changed. {error}", seconds(5))
        if version != before.app_version:
            raise Refused(
                f"{before.domain} answers with version {version or 'unknown'}; it should be {before.app_version}.",
                "Repair the instance first.",
            )
        return AsWanted({"version": version})


class Unchanged(ClusterAction):
    """Changes by hand

    What somebody has changed of the workload, an upgrade would overwrite. Values that the portal itself would render
    otherwise by now are not among it: those an upgrade brings along.
    """

    def see_in(self, cluster: Client, context: Context) -> Seen:
        before = _before(context)
        newest = newest_revision(cluster, before)
        if newest is None:
            raise Refused(f"There is no release “{names.RELEASE}”.", "Repair the instance first.")
        if newest.status != DEPLOYED:
            raise Refused(f"Revision {newest.number} of the release is {newest.status}.", "Repair the instance first.")
        if changes := changed_by_hand(cluster, names.namespace(before), newest.record):
            raise Refused(
                f"Changed by hand, and an upgrade would overwrite it: {'; '.join(map(str, changes))}.",
                "Repair the instance first, or take the change over into its spec.",
            )
        return AsWanted({"revision": newest.number})


class PointOfReturn(ClusterAction):
    """Point of return

    Going forward it notes what there is to go back to. Undone last, it waits until the instance is there again.
    """

    def see_in(self, cluster: Client, context: Context) -> Seen:
        if context.is_going_back:
            seen = Rollout().see_in(cluster, context)
            return Health().look(context) if isinstance(seen, AsWanted) else seen
        newest = newest_revision(cluster, _before(context))
        if newest is None:
            raise Refused(f"There is no release “{names.RELEASE}” to go back to.", "Repair the instance first.")
        return AsWanted({"version": _before(context).app_version, "revision": newest.number})

    def create_in(self, cluster: Client, context: Context) -> str:
        return Rollout().create_in(cluster, context)


def _before(context: Context) -> InstanceSpec:
    return context.previous or context.spec
