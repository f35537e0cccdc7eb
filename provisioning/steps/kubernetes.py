"""What surrounds the application in its cluster: the namespace, where it finds its databases, its volumes."""

import base64
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace as NamespaceObject
from lightkube.resources.core_v1 import PersistentVolumeClaim, Secret

from provisioning.clients.google import NotFound
from provisioning.clients.kubernetes import NO_ANSWER, connected, is_absent, is_taken, is_unknown, name_of, suppressed
from provisioning.engine.action import AsWanted, Change, Context, Differs, Missing, Refused, Seen, UnderWay
from provisioning.fleet.architectures import architecture_of
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.cluster_access import forget_kubeconfig, kubeconfig_for
from provisioning.steps.google import GoogleAction, put_out
from provisioning.steps.secrets import read_secret, store_of
from provisioning.steps.sql import private_address
from provisioning.steps.usage_ping import does_ping, ping_fields

Answer = TypeVar("Answer")
POSTGRES_PORT = "5432"


class ClusterAction(GoogleAction):
    """Base of the actions inside the cluster; without a cluster there is nothing in it."""

    def see(self, context: Context) -> Seen:
        return self._with(context, self.see_in)

    def create(self, context: Context) -> str:
        return self._with(context, self.create_in)

    def remove(self, context: Context) -> str:
        return self._with(context, self.remove_in)

    @abstractmethod
    def see_in(self, cluster: Client, context: Context) -> Seen:
        """As `see`, with a client of the cluster."""

    def create_in(self, cluster: Client, context: Context) -> str:  # noqa: ARG002 - for those that can be made
        """As `create`, with a client of the cluster."""
        return super().create(context)

    def remove_in(self, cluster: Client, context: Context) -> str:  # noqa: ARG002 - for those that can be removed
        """As `remove`, with a client of the cluster."""
        return super().remove(context)

    def resource(self, context: Context) -> str:
        """The cluster and what is in it, such as k8s:namespaces/sourcegraph."""
        inside = self.inside(context.spec)
        return f"{cluster_name(context.spec)}/{inside}" if inside else ""

    def inside(self, spec: InstanceSpec) -> str:  # noqa: ARG002 - for those who have one
        """The name of what it is about within the cluster; empty for what only watches."""
        return ""

    def _answer(self, context: Context, absent: NotFound) -> str:
        return f"the cluster itself is gone: {super()._answer(context, absent)}"

    def _with(self, context: Context, deed: Callable[[Client, Context], Answer]) -> Answer:
        return in_cluster(context.spec, lambda cluster: deed(cluster, context))


def in_cluster(spec: InstanceSpec, deed: Callable[[Client], Answer], *, timeout_seconds: float | None = None) -> Answer:
    """What the deed answers, given a client of the instance's cluster. Credentials that led nowhere are forgotten."""
    try:
        with connected(kubeconfig_for(spec), timeout_seconds=timeout_seconds) as cluster:
            return deed(cluster)
    except NO_ANSWER:
        forget_kubeconfig(spec)
        raise
    except ApiError as error:
        if is_unknown(error):
            forget_kubeconfig(spec)
        raise


class Namespace(ClusterAction):
    """Kubernetes namespace"""

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        found = get(cluster, NamespaceObject, names.namespace(context.spec))
        if found is None:
            return Missing(f"the API server answered 404 to namespaces/{names.namespace(context.spec)}")
        if not names.is_ours(found.metadata.labels, context.spec):
            raise Refused(
                f"There is a namespace “{found.metadata.name}” in the cluster that is not ours.",
                "Find out whose it is; remove it, then retry the step.",
            )
        if found.status and found.status.phase == "Terminating":
            return UnderWay("the namespace to be gone, with all that is in it")
        return _labels_seen(found.metadata.labels, context.spec)

    def create_in(self, cluster: Client, context: Context) -> str:
        """The labels are written last and by a patch, so that a namespace that lost some gets them again."""
        name = names.namespace(context.spec)
        metadata = ObjectMeta(name=name, labels=context.spec.labels)
        try:
            cluster.create(NamespaceObject(metadata=metadata))
        except ApiError as error:
            if not is_taken(error):
                raise
            if isinstance(self.see_in(cluster, context), Differs):
                cluster.patch(NamespaceObject, name, {"metadata": {"labels": context.spec.labels}})
                return "wrote the labels of the namespace"
        return "made the namespace"

    def remove_in(self, cluster: Client, context: Context) -> str:
        with suppressed(is_absent, is_taken):
            cluster.delete(NamespaceObject, names.namespace(context.spec))
        return "asked for the deletion of the namespace"


class Connections(ClusterAction):
    """Database connections

    One Secret for each of the chart's three databases, with the keys that it asks for; and one for the job that tells
    of the instance's use, where there is one. What an older architecture has no use for goes.
    """

    def inside(self, spec: InstanceSpec) -> str:
        secrets = [names.database_secret(database) for database in names.DATABASES.values()]
        listed = ",".join([*secrets, names.USAGE_PING] if does_ping(spec) else secrets)
        return f"k8s:namespaces/{names.namespace(spec)}/secrets/{listed}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        namespace = names.namespace(context.spec)
        stale = [name_of(secret) for secret in self._wanted(context) if not _stands(cluster, secret, namespace)]
        if _is_left_over(cluster, context.spec):
            stale.append(names.USAGE_PING)
        return Differs(f"not as wanted: {', '.join(stale)}") if stale else AsWanted()

    def create_in(self, cluster: Client, context: Context) -> str:
        for secret in self._wanted(context):
            if not _stands(cluster, secret, names.namespace(context.spec)):
                cluster.apply(secret, force=True)
        if _is_left_over(cluster, context.spec):
            with suppressed(is_absent):
                cluster.delete(Secret, names.USAGE_PING, namespace=names.namespace(context.spec))
        return "wrote where the databases are"

    def _wanted(self, context: Context) -> list[Secret]:
        with store_of(context.spec) as store:
            password = read_secret(store, names.DATABASE_PASSWORD)
        secrets = [_connection(context, database, password) for database in names.DATABASES.values()]
        return [*secrets, _usage_ping(context.spec)] if does_ping(context.spec) else secrets


class Volumes(ClusterAction):
    """Volumes"""

    def inside(self, spec: InstanceSpec) -> str:
        return f"k8s:namespaces/{names.namespace(spec)}/persistentvolumeclaims"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        claims = list(cluster.list(PersistentVolumeClaim, namespace=names.namespace(context.spec)))
        if not claims:
            return Missing("the API server listed no persistentvolumeclaims in the namespace")
        if all(claim.metadata and claim.metadata.deletionTimestamp for claim in claims):
            return UnderWay(f"{len(claims)} volumes to be gone")
        return Differs(f"{len(claims)} volumes are there")

    def remove_in(self, cluster: Client, context: Context) -> str:
        claims = list(cluster.list(PersistentVolumeClaim, namespace=names.namespace(context.spec)))
        for claim in claims:
            with suppressed(is_absent):
                cluster.delete(PersistentVolumeClaim, name_of(claim), namespace=names.namespace(context.spec))
        return f"asked for the deletion of {len(claims)} volumes"


def cluster_name(spec: InstanceSpec) -> str:
    """The full name of the instance's cluster: Google's, or the id of the one that somebody brought."""
    return f"//container.googleapis.com/{names.cluster_path(spec)}" if _is_dedicated(spec) else str(spec.cluster_id)


def get(cluster: Client, kind: Any, name: str, namespace: str | None = None) -> Any:
    """The object, or None when the API server answers 404."""
    try:
        return cluster.get(kind, name, namespace=namespace) if namespace else cluster.get(kind, name)
    except ApiError as error:
        if is_absent(error):
            return None
        raise


def _labels_seen(found: dict[str, str] | None, spec: InstanceSpec) -> Seen:
    there = found or {}
    changes = [
        Change(f"metadata.labels.{key}", value, there.get(key))
        for key, value in spec.labels.items()
        if there.get(key) != value
    ]
    return Differs.in_settings(changes) if changes else AsWanted()


def _stands(cluster: Client, wanted: Secret, namespace: str) -> bool:
    found = get(cluster, Secret, name_of(wanted), namespace)
    return found is not None and found.data == wanted.data


def _connection(context: Context, database: str, password: str) -> Secret:
    fields = {
        "user": names.DATABASE_USER,
        "password": password,
        "database": database,
        "host": _host(context, database),
        "port": POSTGRES_PORT,
    }
    return _secret(context.spec, names.database_secret(database), fields)


def _usage_ping(spec: InstanceSpec) -> Secret:
    return _secret(spec, names.USAGE_PING, ping_fields(spec))


def _secret(spec: InstanceSpec, name: str, fields: Mapping[str, str]) -> Secret:
    metadata = ObjectMeta(name=name, namespace=names.namespace(spec), labels=spec.labels)
    return Secret(metadata=metadata, data={key: _encoded(value) for key, value in fields.items()})


def _is_left_over(cluster: Client, spec: InstanceSpec) -> bool:
    """Whether there is a Secret for telling of its use although the instance does not."""
    return not does_ping(spec) and get(cluster, Secret, names.USAGE_PING, names.namespace(spec)) is not None


def _host(context: Context, database: str) -> str:
    """Cloud SQL's private address or its proxy; on a brought cluster the chart's own database of that name."""
    if not _is_dedicated(context.spec):
        return names.database_service(database)
    if not architecture_of(context.spec.architecture).private_database:
        return names.DATABASE_PROXY
    return private_address(context) if context.is_going_back else put_out(context, "database", "host")


def _is_dedicated(spec: InstanceSpec) -> bool:
    return spec.tenancy == Tenancy.DEDICATED


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
