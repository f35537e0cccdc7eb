"""The clusters that exist, and the one Cluster object of each that is in use."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from devcloud.clock import now
from devcloud.cloud import Cloud
from devcloud.kubernetes.controllers import Controllers
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import Objects, copy_of
from devcloud.store import Store

CLUSTERS = "kubernetes_clusters"
_SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_STORAGE_CLASSES = (("standard-rwo", "pd-balanced"), ("standard", "pd-standard"), ("premium-rwo", "pd-ssd"))


@dataclass(frozen=True)
class ClusterRecord:
    """What is known of a cluster without opening it. `token` is the static one of a byok cluster, else empty."""

    id: str
    incarnation: str
    owner: str
    minor_version: str
    ready_at: float
    nodes: int
    token: str = ""
    rights: str = "*"


@dataclass(frozen=True)
class NodeGroup:
    """Nodes that are alike, called by the group's name. `taints` are as Kubernetes writes them."""

    name: str
    count: int
    labels: JSON = field(default_factory=dict)
    taints: tuple[JSON, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """One cluster in use."""

    record: ClusterRecord
    objects: Objects
    controllers: Controllers


_open: WeakKeyDictionary[Store, dict[str, Cluster]] = WeakKeyDictionary()


def create_cluster(
    cloud: Cloud,
    cluster_id: str,
    *,
    owner: str,
    minor_version: str,
    ready_at: float,
    nodes: int = 1,
    token: str = "",
    rights: str = "*",
) -> None:
    """The cluster exists, empty but for what every cluster has, and answers from `ready_at` on.

    `owner` is the project whose access tokens are let in; `token` lets in by itself (a byok cluster). `minor_version`
    is such as "1.33"; `rights` is "*" or the one namespace where the token may write. A cluster of that id is replaced.
    """
    delete_cluster(cloud, cluster_id)
    record = ClusterRecord(cluster_id, uuid.uuid4().hex, owner, minor_version, ready_at, nodes, token, rights)
    cloud.store.put(CLUSTERS, cluster_id, vars(record))
    cluster = open_cluster(cloud, cluster_id)
    if cluster:
        _furnish(cluster)


def delete_cluster(cloud: Cloud, cluster_id: str) -> None:
    """The cluster is gone with everything in it; its watches end. That it never was is fine too."""
    cloud.store.delete(CLUSTERS, cluster_id)
    for key, _ in cloud.store.items(_collection(cluster_id)):
        cloud.store.delete(_collection(cluster_id), key)
    closed = _open.get(cloud.store, {}).pop(cluster_id, None)
    if closed:
        closed.controllers.stop()
        closed.objects.wake_all()


def cluster_ids(cloud: Cloud) -> list[str]:
    return [key for key, _ in cloud.store.items(CLUSTERS)]


def set_nodes(cloud: Cloud, cluster_id: str, groups: Sequence[NodeGroup]) -> None:
    """The cluster has these nodes. With none its pods stay pending, as with a node pool of size zero."""
    cluster = open_cluster(cloud, cluster_id)
    if cluster:
        record = replace(cluster.record, nodes=sum(group.count for group in groups))
        cloud.store.put(CLUSTERS, cluster_id, vars(record))
        _open[cloud.store][cluster_id] = replace(cluster, record=record)
        _set_nodes(cluster, groups)
        cluster.controllers.settle()


def cluster_record(cloud: Cloud, cluster_id: str) -> ClusterRecord | None:
    found = cloud.store.get(CLUSTERS, cluster_id)
    return ClusterRecord(**found) if found else None


def open_cluster(cloud: Cloud, cluster_id: str) -> Cluster | None:
    """The cluster, with everything that was due by now done; None when there is none."""
    record = cluster_record(cloud, cluster_id)
    if record is None:
        return None
    known = _open.setdefault(cloud.store, {})
    cluster = known.get(cluster_id)
    if cluster is None or cluster.record.incarnation != record.incarnation:
        objects = Objects(cloud.store, _collection(cluster_id))
        cluster = known[cluster_id] = Cluster(record, objects, Controllers(cloud, cluster_id, objects))
    cluster.controllers.settle()
    return cluster


def open_clusters(cloud: Cloud) -> Iterator[Cluster]:
    """All clusters that answer by now."""
    for cluster_id in cluster_ids(cloud):
        cluster = open_cluster(cloud, cluster_id)
        if cluster and cluster.record.ready_at <= now():
            yield cluster


def _collection(cluster_id: str) -> str:
    return f"kubernetes/{cluster_id}"


def _furnish(cluster: Cluster) -> None:
    theirs = () if cluster.record.rights == "*" else (cluster.record.rights,)
    for name in (*_SYSTEM_NAMESPACES, *theirs):
        cluster.objects.put(kind_named("namespaces"), _namespace(name))
    for name, disk in _STORAGE_CLASSES:
        cluster.objects.put(kind_named("storageclasses"), _storage_class(name, disk))
    _set_nodes(cluster, [NodeGroup("node", cluster.record.nodes)])
    cluster.controllers.settle()


def _namespace(name: str) -> JSON:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _storage_class(name: str, disk: str) -> JSON:
    default = {"storageclass.kubernetes.io/is-default-class": "true"} if name == "standard-rwo" else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": default},
        "provisioner": "pd.csi.storage.gke.io",
        "parameters": {"type": disk},
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "Immediate" if name == "standard" else "WaitForFirstConsumer",
    }


def _set_nodes(cluster: Cluster, groups: Sequence[NodeGroup]) -> None:
    nodes = kind_named("nodes")
    wanted = {f"{group.name}-{number}": group for group in groups for number in range(1, group.count + 1)}
    for node in list(cluster.objects.each(nodes)):
        if node["metadata"]["name"] not in wanted:
            cluster.objects.delete(nodes, node)
    for name in sorted(wanted):
        if cluster.objects.get(nodes, "", name) is None:
            cluster.objects.put(nodes, copy_of(_node(name, wanted[name], cluster.record.minor_version)))


def _node(name: str, group: NodeGroup, minor_version: str) -> JSON:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **group.labels}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": list(group.taints)} if group.taints else {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {"kubeletVersion": f"v{minor_version}.0"},
        },
    }
