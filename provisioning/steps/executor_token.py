"""What executors show the application to be let in: a copy of the instance's secret, in its namespace."""

import base64

from lightkube.core.client import Client
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from provisioning.clients.kubernetes import is_absent, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Seen
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.executors import TOKEN_KEY, TOKEN_SECRET, executors_of
from provisioning.steps.kubernetes import ClusterAction, get
from provisioning.steps.secrets import read_secret, store_of


class ExecutorToken(ClusterAction):
    """Token of the executors"""

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/secrets/{TOKEN_SECRET}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        found = get(cluster, Secret, TOKEN_SECRET, names.namespace(context.spec))
        if not executors_of(context.spec):
            return Differs("it is there, and there are no executors") if found else AsWanted()
        if found is None:
            return Missing(f"the API server answered 404 to secrets/{TOKEN_SECRET}")
        return AsWanted() if found.data == _wanted(context).data else Differs("it is another than in the secret store")

    def create_in(self, cluster: Client, context: Context) -> str:
        if executors_of(context.spec):
            cluster.apply(_wanted(context), force=True)
            return "wrote the token"
        with suppressed(is_absent):
            cluster.delete(Secret, TOKEN_SECRET, namespace=names.namespace(context.spec))
        return "removed the token"


def _wanted(context: Context) -> Secret:
    with store_of(context.spec) as store:
        token = read_secret(store, names.EXECUTOR_TOKEN)
    metadata = ObjectMeta(name=TOKEN_SECRET, namespace=names.namespace(context.spec), labels=context.spec.labels)
    return Secret(metadata=metadata, data={TOKEN_KEY: base64.b64encode(token.encode()).decode()})
