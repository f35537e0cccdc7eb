"""How an instance's cluster is reached: Google's by a short-lived token, a brought one by its kubeconfig."""

from typing import Any

from provisioning.clients.kubeconfig import Kubeconfig, decrypt
from provisioning.models import Cluster, Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import gke


def kubeconfig_for(spec: InstanceSpec) -> dict[str, Any]:
    """A kubeconfig document, made for this call. NotFound when there is no usable cluster."""
    if spec.tenancy == Tenancy.DEDICATED:
        return gke.kubeconfig_of(spec)
    return Kubeconfig.parse(decrypt(bytes(brought_cluster(spec).kubeconfig_encrypted))).document


def brought_cluster(spec: InstanceSpec) -> Cluster:
    """The cluster that somebody brought for a byok instance."""
    return Cluster.objects.get(pk=spec.cluster_id)
