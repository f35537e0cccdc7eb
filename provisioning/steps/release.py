"""The application itself: one Helm release in the instance's namespace."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lightkube.core.client import Client, LabelSelector
from lightkube.operators import not_equal
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import Secret
from lightkube.types import CascadeType

from provisioning.clients.helm import FixedFields, Helm
from provisioning.clients.kubernetes import is_absent, server_version, suppressed
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Refused, Seen
from provisioning.fleet.charts import archive_of, digest_of
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.cluster_access import brought_cluster, kubeconfig_for
from provisioning.steps.disks import DISKS, keeping, kept_in, template_size, wanted_sizes, without_disks
from provisioning.steps.kubernetes import ClusterAction, get
from provisioning.steps.manifest import changed_by_hand
from provisioning.steps.values import BroughtCluster, values_for

# Older API servers reject server-side apply of a Service whose ports omit the protocol. Google runs none so old.
APPLIES_FROM = (1, 22)
FINGERPRINT = "spec"
DEPLOYED, PENDING = "deployed", "pending-"


@dataclass(frozen=True)
class Revision:
    """One revision of the release, as Helm keeps it: `record` is its own encoding of all of it, in base64."""

    number: int
    status: str
    fingerprint: str
    record: str


class Application(ClusterAction):
    """Application

    Helm keeps each revision as a Secret with its state, and our fingerprint of what was asked for, in labels: reading
    them tells whether there is work, without a Helm process. What it rendered is compared with what is in the cluster.
    The chart is the one that was pinned when the release was imported.
    """

    queue = "helm"

    def inside(self, spec: InstanceSpec) -> str:
        return f"helm:{names.namespace(spec)}/{names.RELEASE}"

    def see_in(self, cluster: Client, context: Context) -> Seen:
        return _seen(cluster, context.spec, newest_revision(cluster, context.spec), fingerprint(context.spec))

    def create_in(self, cluster: Client, context: Context) -> str:
        """A release that a killed helm has left pending is repaired first; the next look finds what is left to do."""
        spec, document = context.spec, kubeconfig_for(context.spec)
        newest, wanted = newest_revision(cluster, spec), fingerprint(spec)
        if isinstance(_seen(cluster, spec, newest, wanted), AsWanted):
            return "found it applied already"
        archive = archive_of(spec.app_version)
        helm, apply = Helm(document, names.namespace(spec)), _applies(spec, document)
        if newest and newest.status.startswith(PENDING):
            return _repair(cluster, spec, helm, apply=apply)
        values = keeping(wanted_values(spec), kept_in(cluster, names.namespace(spec), _own_storage_class(spec)))
        aside = _set_aside(cluster, names.namespace(spec), wanted_sizes(values))
        labels = {FINGERPRINT: wanted}
        try:
            helm.upgrade(names.RELEASE, archive, values=values, labels=labels, apply=apply)
        except FixedFields as fixed:
            return _make_way(cluster, names.namespace(spec), fixed.stateful_sets)
        return f"applied version {spec.app_version}{' in place of ' * bool(aside)}{', '.join(aside)}"

    def remove(self, context: Context) -> str:
        Helm(kubeconfig_for(context.spec), names.namespace(context.spec)).uninstall(names.RELEASE)
        return "uninstalled the release"


def _seen(cluster: Client, spec: InstanceSpec, newest: Revision | None, wanted: str) -> Seen:
    """How the newest revision stands to what is asked for, and the cluster to the revision."""
    if newest is None:
        return Missing(f"the API server listed no revisions of the release {names.RELEASE}")
    if newest.status != DEPLOYED:
        return Differs(f"revision {newest.number} is {newest.status}")
    if newest.fingerprint != wanted:
        return Differs(f"revision {newest.number} was asked for with other values")
    if changes := changed_by_hand(cluster, names.namespace(spec), newest.record):
        return Differs.in_settings(changes)
    return AsWanted({"revision": newest.number})


def newest_revision(cluster: Client, spec: InstanceSpec) -> Revision | None:
    """Of the Secrets that Helm keeps, one a revision, with name, owner, status and version in labels, and ours.

    The newest is never superseded; those that are make most of what there is to read.
    """
    labels: LabelSelector = {"owner": "helm", "name": names.RELEASE, "status": not_equal("superseded")}
    found = map(_revision, cluster.list(Secret, namespace=names.namespace(spec), labels=labels))
    return max(found, key=lambda revision: revision.number, default=None)


def wanted_values(spec: InstanceSpec) -> dict[str, Any]:
    """The values of the chart that the spec asks for."""
    return values_for(spec, _brought(spec))


def _revision(secret: Any) -> Revision:
    labels, data = secret.metadata.labels, secret.data or {}
    return Revision(int(labels["version"]), labels["status"], labels.get(FINGERPRINT, ""), data.get("release", ""))


def _repair(cluster: Client, spec: InstanceSpec, helm: Helm, *, apply: bool) -> str:
    """The newest revision is no longer pending. Disks that have grown since keep Helm from going back to the last good
    one; then it notes that it failed, and from a failed revision the next try can go on.
    """
    try:
        return helm.repair(names.RELEASE, apply=apply)
    except Refused as refused:
        newest = newest_revision(cluster, spec)
        if newest is None or newest.status.startswith(PENDING):
            raise
        return f"could not go back from what a killed helm had left pending: {refused.why}"


def _set_aside(cluster: Client, namespace: str, sizes: Mapping[str, int]) -> list[str]:
    """StatefulSets whose claims are to be of another size are gone, without their pods: such a change is refused.

    The pods go on, and the set that Helm makes anew takes them over. A crash in between is made good by the next try,
    since the fingerprint still tells that the release differs.
    """
    aside = []
    for disk in DISKS:
        found = get(cluster, StatefulSet, disk.stateful_set, namespace) if disk.stateful_set else None
        if found and disk.key in sizes and template_size(found.spec.volumeClaimTemplates) != sizes[disk.key]:
            with suppressed(is_absent):
                cluster.delete(StatefulSet, disk.stateful_set, namespace=namespace, cascade=CascadeType.ORPHAN)
            aside.append(disk.stateful_set)
    return aside


def _make_way(cluster: Client, namespace: str, stateful_sets: Iterable[str]) -> str:
    """The sets are gone, without their pods: the next try makes them anew, and they take over the pods that fit."""
    for name in stateful_sets:
        with suppressed(is_absent):
            cluster.delete(StatefulSet, name, namespace=namespace, cascade=CascadeType.ORPHAN)
    return f"put aside what the chart cannot change of {', '.join(stateful_sets)}"


def _applies(spec: InstanceSpec, document: Mapping[str, Any]) -> bool:
    """Whether the API server can do the applying."""
    return spec.tenancy == Tenancy.DEDICATED or server_version(document) >= APPLIES_FROM


def _own_storage_class(spec: InstanceSpec) -> str:
    """The storage class that the release makes itself; none on a cluster that somebody brings."""
    return str(wanted_values(spec)["storageClass"]["name"]) if spec.tenancy == Tenancy.DEDICATED else ""


def _brought(spec: InstanceSpec) -> BroughtCluster | None:
    if spec.tenancy == Tenancy.DEDICATED:
        return None
    cluster = brought_cluster(spec)
    return BroughtCluster(cluster.has_cluster_wide_rights, cluster.storage_class, cluster.ingress_class)


def fingerprint(spec: InstanceSpec) -> str:
    """Of all that is asked for but the disks: their sizes are looked at one by one, by a step of their own."""
    wanted: list[Any] = [digest_of(spec.app_version), without_disks(wanted_values(spec))]
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
