"""Nothing of a version runs that could write to the databases while they go back in time."""

from lightkube.core.client import Client, LabelSelector
from lightkube.operators import in_
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import Job
from lightkube.types import CascadeType

from provisioning.clients.kubernetes import is_absent, name_of, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.kubernetes import ClusterAction
from provisioning.steps.migration import APP
from provisioning.steps.release import fingerprint, newest_revision


class Stop(ClusterAction):
    """Stop of the application

    The Deployments of the newer version are removed: a pod of theirs that starts anew would migrate the databases
    again. So are the Jobs of migrations, and those whose settings go back with the databases. Helm makes the workloads
    anew, in the version that fits; volumes stay.
    """

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/deployments"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        there = _in_the_way(cluster, context)
        if going := [item for item in there if item.metadata and item.metadata.deletionTimestamp]:
            return UnderWay(f"{len(going)} workloads to be gone", seconds(5))
        return Differs(f"{len(there)} workloads are in the way") if there else AsWanted()

    def create_in(self, cluster: Client, context: Context) -> str:
        """In the foreground: each is seen until its pods are gone."""
        there = _in_the_way(cluster, context)
        for item in there:
            with suppressed(is_absent):
                namespace = names.namespace(context.spec)
                cluster.delete(type(item), name_of(item), namespace=namespace, cascade=CascadeType.FOREGROUND)
        return f"removed {', '.join(map(name_of, there))}" if there else "found nothing in the way"


def _in_the_way(cluster: Client, context: Context) -> list[Deployment | Job]:
    """Once the version that fits is applied, its own workloads may stay."""
    namespace = names.namespace(context.spec)
    labels: LabelSelector = {"app": in_([*APP.values(), names.SITE_CONFIGURATION])}
    jobs = list(cluster.list(Job, namespace=namespace, labels=labels))
    newest = newest_revision(cluster, context.spec)
    if newest and newest.fingerprint == fingerprint(context.spec):
        return [*jobs]
    return [*jobs, *cluster.list(Deployment, namespace=namespace)]
