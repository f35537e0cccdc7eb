"""Which instance answers on a host: the ingress that names it, and the frontend behind that."""

from dataclasses import dataclass
from itertools import chain
from weakref import WeakKeyDictionary

from devcloud.application.names import leads_elsewhere
from devcloud.cloud import Cloud
from devcloud.kubernetes.clusters import Cluster, open_cluster, open_clusters
from devcloud.kubernetes.controllers.context import controller_of, image_tag, is_ready
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.lost import is_cluster_lost
from devcloud.public_dns import resolve
from devcloud.store import Store

_BROKEN = "-broken"
_STATIC_ADDRESS = "kubernetes.io/ingress.global-static-ip-name"
_known: WeakKeyDictionary[Store, dict[str, str]] = WeakKeyDictionary()  # clusters by host


@dataclass(frozen=True)
class Instance:
    """One running application. `version` is the tag of the newest frontend image that is ready; empty where none is."""

    key: str
    host: str
    version: str

    @property
    def available(self) -> bool:
        return bool(self.version)

    @property
    def healthy(self) -> bool:
        return self.available and not self.version.endswith(_BROKEN)


def find_instance(cloud: Cloud, host: str) -> Instance | None:
    """The instance that an ingress of any cluster routes this host to: by name, or, where it takes every name, by the
    address that the host leads to. The cluster that did so last is asked first: a prober asks for each of a thousand
    hosts again and again.
    """
    known = _known.setdefault(cloud.store, {})
    last = open_cluster(cloud, known[host]) if host in known else None
    for cluster in chain([last] if last else [], open_clusters(cloud)):
        for ingress in cluster.objects.each(kind_named("ingresses")):
            service = _service_for(cloud, ingress, host)
            if service and _is_meant(cloud, cluster, ingress, host):
                namespace = ingress["metadata"]["namespace"]
                known[host] = cluster.record.id
                is_away = is_cluster_lost(cloud, cluster.record.id)
                version = "" if is_away else _version(cluster, namespace, service)
                return Instance(f"{cluster.record.id}/{namespace}", host, version)
    known.pop(host, None)
    return None


def _is_meant(cloud: Cloud, cluster: Cluster, ingress: JSON, host: str) -> bool:
    """Whether the host's name leads to this ingress, where several of a project's clusters have one for it."""
    address = ingress["metadata"].get("annotations", {}).get(_STATIC_ADDRESS, "")
    project = cluster.record.id.partition(".")[0]
    return not address or not leads_elsewhere(cloud, host, project, address)


def _service_for(cloud: Cloud, ingress: JSON, host: str) -> str:
    """The service behind this host; empty where the ingress doesn't know it."""
    for rule in ingress["spec"].get("rules", ()):
        if rule.get("host", "") == host or ("host" not in rule and _leads_to(cloud, host, ingress)):
            for path in rule.get("http", {}).get("paths", ()):
                return str(path["backend"]["service"]["name"])
    return ""


def _leads_to(cloud: Cloud, host: str, ingress: JSON) -> bool:
    """Whether the public DNS leads the host to the ingress's own address."""
    addresses = {each.get("ip") for each in ingress.get("status", {}).get("loadBalancer", {}).get("ingress", ())}
    return bool(addresses.intersection(resolve(cloud, host, "A").of("A")))


def _version(cluster: Cluster, namespace: str, service_name: str) -> str:
    service = cluster.objects.get(kind_named("services"), namespace, service_name)
    if service is None:
        return ""
    selector = service["spec"].get("selector", {})
    ready = [
        pod
        for pod in cluster.objects.each(kind_named("pods"), namespace)
        if is_ready(pod) and selector.items() <= pod["metadata"].get("labels", {}).items()
    ]
    newest = max(ready, key=lambda pod: _revision(cluster, pod), default=None)
    return image_tag(newest["spec"]["containers"][0]) if newest else ""


def _revision(cluster: Cluster, pod: JSON) -> int:
    owner = controller_of(pod)
    name = owner["name"] if owner else ""
    found = cluster.objects.get(kind_named("replicasets"), pod["metadata"]["namespace"], name)
    return int(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) if found else 0
