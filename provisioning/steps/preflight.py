"""Before a running instance is changed: whether it answers, and what it is to go back to if the change goes wrong."""

from lightkube.core.client import Client

from provisioning.clients.application import Application, NoAnswer
from provisioning.engine.action import Action, AsWanted, Context, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.application import Health
from provisioning.steps.kubernetes import ClusterAction
from provisioning.steps.release import newest_revision
from provisioning.steps.rollout import Rollout


class Preflight(Action):
    """Health check before the change

    What does not answer is not changed: nobody could tell afterwards whether the change broke it.
    """

    def look(self, context: Context) -> Seen:
        before = _before(context)
        with Application(before.domain) as application:
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
