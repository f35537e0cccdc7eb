"""The nodes of the executors: a pool of its own, one node to an executor, since they run other people's code."""

from collections.abc import Mapping
from typing import Any

from provisioning.clients.google import NotFound, execute
from provisioning.engine.action import AsWanted, Change, Context, Differs, Refused, Seen, UnderWay
from provisioning.steps import names
from provisioning.steps.executors import executors_of
from provisioning.steps.gke import COUNT, NodePool, clusters
from provisioning.steps.gke_bodies import enforces_policies, executor_pool_body


class ExecutorNodes(NodePool):
    """Nodes of the executors"""

    name = names.EXECUTOR_POOL

    def body(self, context: Context) -> dict[str, Any]:
        return executor_pool_body(context)

    def keeps_spare(self, context: Context) -> bool:  # noqa: ARG002 - for those that come before or after others
        """Whether those too many stay for now."""
        return False

    def see(self, context: Context) -> Seen:
        """None are as wanted where there are no executors."""
        is_wanted = bool(executors_of(context.spec))
        try:
            seen = super().see(context)
        except NotFound:
            if is_wanted:
                raise
            return AsWanted()
        if is_wanted or isinstance(seen, UnderWay):
            return seen
        return AsWanted() if self.keeps_spare(context) else Differs("they are there, and there are no executors")

    def create(self, context: Context) -> str:
        """Raises Refused where the cluster does not hold jobs to what they may reach."""
        if not executors_of(context.spec):
            return self.remove(context)
        if not enforces_policies(execute(clusters().get(name=names.cluster_path(context.spec)))):
            raise Refused(
                "The cluster enforces no network policies, so that what executors run could reach the databases.",
                "Google decides that when a cluster is made: take the executors off the instance's features.",
            )
        return super().create(context)

    def changes(self, context: Context, found: Mapping[str, Any]) -> list[Change]:
        changes, keeps = super().changes(context, found), self.keeps_spare(context)
        return [change for change in changes if not (keeps and change.path == COUNT and _is_less(change))]


class NewExecutorNodes(ExecutorNodes):
    """New nodes of the executors

    Before the application takes to them: more come, and none goes. Going back, it is the other way round.
    """

    def keeps_spare(self, context: Context) -> bool:
        return not context.is_going_back


class SpareExecutorNodes(ExecutorNodes):
    """Spare nodes of the executors

    They go once the application has left them.
    """

    def keeps_spare(self, context: Context) -> bool:
        return context.is_going_back


def _is_less(change: Change) -> bool:
    return int(change.wanted or 0) < int(change.found or 0)
