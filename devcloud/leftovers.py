"""What clusters make in Compute Engine by themselves, and what can outlive them: endpoint groups, disks, rules.

The Kubernetes side calls this; it knows nothing of the Google side but where such things are kept.
"""

import re
from typing import Any
from uuid import uuid4

from devcloud import clock
from devcloud.cloud import Cloud

FIREWALLS = "compute.firewalls"
ENDPOINT_GROUPS = "compute.networkEndpointGroups"
DISKS = "compute.disks"
_CLUSTERS = "container.clusters"
_ZONE = re.compile(r".*-[a-z]")


def leave_network_endpoint_group(cloud: Cloud, project: str, name: str, *, location: str = "") -> None:
    """The project has this endpoint group, in its cluster's zone and network; nothing happens without a cluster.

    Of several clusters the one in that location is meant.

    It blocks the network's deletion until `drop_network_endpoint_group`, which a load balancer controller calls when
    the workload goes first, or until somebody deletes it by the API.
    """
    if cluster := _cluster(cloud, project, location):
        network = cluster["networkConfig"]["network"]
        group = f"{_zone(project, cluster)}/networkEndpointGroups/{name}"
        leave(cloud, ENDPOINT_GROUPS, group, network=network, size=1, networkEndpointType="GCE_VM_IP_PORT")
        leave(cloud, FIREWALLS, _rule(project, name), network=network, direction="INGRESS")


def drop_network_endpoint_group(cloud: Cloud, project: str, name: str) -> None:
    """The group is gone; that it never was is fine too."""
    if cluster := _cluster(cloud, project):
        cloud.store.delete(ENDPOINT_GROUPS, f"{_zone(project, cluster)}/networkEndpointGroups/{name}")
        cloud.store.delete(FIREWALLS, _rule(project, name))


def leave_disk(
    cloud: Cloud,
    project: str,
    name: str,
    *,
    size_gb: int = 10,
    labels: dict[str, str] | None = None,
    location: str = "",
) -> None:
    """The project has this disk, as behind a persistent volume; nothing happens without a cluster."""
    if cluster := _cluster(cloud, project, location):
        disk = f"{_zone(project, cluster)}/disks/{name}"
        leave(cloud, DISKS, disk, sizeGb=str(size_gb), status="READY", labels=labels or {})


def drop_disk(cloud: Cloud, project: str, name: str) -> None:
    """The disk is gone; that it never was is fine too."""
    if cluster := _cluster(cloud, project):
        cloud.store.delete(DISKS, f"{_zone(project, cluster)}/disks/{name}")


def leave(cloud: Cloud, collection: str, name: str, *, network: str = "", **fields: Any) -> None:
    """A resource that nobody asked the API for stands there. `name` and `network` are full names."""
    at = clock.now()
    _projects, project, place, *_rest = name.split("/")
    api = f"{cloud.addresses.http_url}/google/compute/compute/v1"
    body = {
        "kind": f"compute#{collection.removeprefix('compute.').removesuffix('s')}",
        "id": str(uuid4().int)[:19],
        "name": name.rpartition("/")[2],
        "selfLink": f"{api}/{name}",
        "creationTimestamp": clock.rfc3339(at),
        **fields,
    }
    if network:
        body["network"] = f"{api}/{network}"
    if place == "zones":
        body["zone"] = f"{api}/projects/{project}/zones/{name.split('/')[3]}"
    cloud.store.put(collection, name, {"body": body, "visible_at": at, "ready": True})


def _cluster(cloud: Cloud, project: str, location: str = "") -> dict[str, Any] | None:
    place = f"locations/{location}/" if location else ""
    found = cloud.store.items(_CLUSTERS, f"projects/{project}/{place}")
    return found[0][1]["body"] if found else None


def _rule(project: str, name: str) -> str:
    """The firewall rule that lets the load balancer reach the group; a name has 63 characters at most."""
    return f"projects/{project}/global/firewalls/" + f"k8s-fw-{name}"[:63]


def _zone(project: str, cluster: dict[str, Any]) -> str:
    location = cluster["location"]
    return f"projects/{project}/zones/{location if _ZONE.fullmatch(location) else f'{location}-a'}"
