"""What of ours is in the clouds at large: listings, each of one source, under the names that the steps use too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from lightkube.core.client import Client
from lightkube.resources.core_v1 import Namespace

from provisioning.clients.google import api, pages
from provisioning.clients.google.projects import ACTIVE, is_gone
from provisioning.clients.kubeconfig import Kubeconfig, decrypt
from provisioning.clients.kubernetes import connected, name_of, volumes_of
from provisioning.models import Cluster

PAGE_SIZE = 300
MANAGED_BY = "sourcegraph-cloud-portal"
OWNER = re.compile(r"sourcegraph-cloud-portal instance=(\S+?)\"")
INSTANCE_ID = re.compile(r"src-[0-9a-f]{20}")


@dataclass(frozen=True)
class Found:
    """One thing that bears our mark. `instance_id` is what its label says; `resource` its full name."""

    resource: str
    instance_id: str


def project_resource(project_id: str) -> str:
    return f"//cloudresourcemanager.googleapis.com/projects/{project_id}"


def projects() -> Iterator[Found]:
    """The live projects with our label, below the folder or organization that ours are made in."""
    collection = api("cloudresourcemanager", "v3").projects()
    query = f"labels.managed-by:{MANAGED_BY} state:{ACTIVE}"
    query += f" parent:{settings.GOOGLE_PARENT}" if settings.GOOGLE_PARENT else ""
    for page in pages(collection, collection.search(query=query, pageSize=PAGE_SIZE), "search"):
        for project in page.get("projects", ()):
            yield Found(project_resource(project["projectId"]), project.get("labels", {}).get("instance", ""))


def has_lost_project(instance_id: str) -> bool:
    """Whether nothing can be used of the instance's project any more. Raises Refused where that cannot be told."""
    return is_gone(instance_id)


def names_in_zone() -> Iterator[Found]:
    """The domain names in the shared zone that bear our mark of ownership."""
    if not settings.GOOGLE_DNS_ZONE:
        return
    place = {"project": settings.GOOGLE_DNS_PROJECT, "managedZone": settings.GOOGLE_DNS_ZONE}
    collection = api("dns", "v1").resourceRecordSets()
    for page in pages(collection, collection.list(**place, maxResults=PAGE_SIZE)):
        for record in page.get("rrsets", ()):
            if record["type"] == "TXT" and (owner := OWNER.search(" ".join(record["rrdatas"]))):
                zone = f"//dns.googleapis.com/projects/{place['project']}/managedZones/{place['managedZone']}"
                yield Found(f"{zone}/rrsets/{record['name']}", owner[1])


def things_in_cluster(cluster: Cluster) -> Iterator[Found]:
    """Our namespaces in a brought cluster, and the volumes kept of them, if we may list those."""
    document = Kubeconfig.parse(decrypt(bytes(cluster.kubeconfig_encrypted))).document
    with connected(document) as client:
        for namespace in client.list(Namespace, labels={"managed-by": MANAGED_BY}):
            labels = (namespace.metadata.labels if namespace.metadata else None) or {}
            yield Found(f"{cluster.pk}/k8s:namespaces/{name_of(namespace)}", labels.get("instance", ""))
        for name, instance_id in _kept_volumes(client):
            yield Found(f"{cluster.pk}/k8s:persistentvolumes/{name}", instance_id)


def _kept_volumes(client: Client) -> Iterator[tuple[str, str]]:
    """Volumes that were released by a namespace of ours: on a brought cluster it is called like its instance."""
    for volume in volumes_of(client):
        claim = volume.spec.claimRef if volume.spec else None
        is_released = volume.status is not None and volume.status.phase in {"Released", "Failed"}
        if is_released and claim and INSTANCE_ID.fullmatch(claim.namespace or ""):
            yield name_of(volume), str(claim.namespace)
