"""What a cluster's workload leaves in the project when the cluster goes before it."""

from devcloud.balancers import drop_backend
from devcloud.cloud import Cloud
from devcloud.google.services.cluster_operations import cluster_id
from devcloud.kubernetes.clusters import open_cluster
from devcloud.kubernetes.kinds import kind_named
from devcloud.leftovers import leave_disk, leave_network_endpoint_group


def leave_remains(cloud: Cloud, cluster_name: str) -> None:
    """Endpoint groups of what was still published, and disks of volumes that are retained, stand in the project.

    Nobody is left to remove them: the controllers that would have, went with the cluster.
    """
    cluster = open_cluster(cloud, cluster_id(cluster_name))
    if cluster is None:
        return
    _projects, project, _locations, location, *_rest = cluster_name.split("/")
    for ingress in cluster.objects.each(kind_named("ingresses")):
        drop_backend(cloud, cluster_id(cluster_name), ingress["metadata"]["uid"])
        leave_network_endpoint_group(cloud, project, f"k8s1-{ingress['metadata']['uid'][:8]}", location=location)
    for service in cluster.objects.each(kind_named("services")):
        if service["spec"].get("type") == "LoadBalancer":
            leave_network_endpoint_group(cloud, project, f"k8s2-{service['metadata']['uid'][:8]}", location=location)
    for volume in cluster.objects.each(kind_named("persistentvolumes")):
        if volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain":
            leave_disk(cloud, project, volume["metadata"]["name"], location=location)
