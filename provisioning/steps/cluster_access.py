"""How an instance's cluster is reached: Google's by a short-lived token, a brought one by its kubeconfig."""

import time
from typing import Any, Final

from provisioning.clients.kubeconfig import Kubeconfig, decrypt
from provisioning.models import Cluster, Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import gke, names

# What one process has found out lately, by cluster, and until when it goes by that, in monotonic seconds. A step often
# follows another on the same instance, and asking again costs as much as most looks. The token is good for an hour.
REMEMBERED_SECONDS = 60.0
_remembered: Final[dict[str, tuple[float, dict[str, Any]]]] = {}
MOST_REMEMBERED = 2_000


def kubeconfig_for(spec: InstanceSpec) -> dict[str, Any]:
    """A kubeconfig document, at most a minute old. NotFound when there is no usable cluster."""
    if spec.tenancy == Tenancy.DEDICATED:
        return _of_google(spec)
    return Kubeconfig.parse(decrypt(bytes(brought_cluster(spec).kubeconfig_encrypted))).document


def forget_kubeconfig(spec: InstanceSpec) -> None:
    """The next who asks gets it anew: this one leads nowhere, or is not let in."""
    _remembered.pop(names.cluster_path(spec), None)


def forget_all() -> None:
    """Nothing is known any more."""
    _remembered.clear()


def brought_cluster(spec: InstanceSpec) -> Cluster:
    """The cluster that somebody brought for a byok instance."""
    return Cluster.objects.get(pk=spec.cluster_id)


def _of_google(spec: InstanceSpec) -> dict[str, Any]:
    now = time.monotonic()
    path = names.cluster_path(spec)
    until, document = _remembered.get(path, (0.0, {}))
    if now < until:
        return document
    if len(_remembered) >= MOST_REMEMBERED:
        forget_all()
    document = gke.kubeconfig_of(spec)
    _remembered[path] = now + REMEMBERED_SECONDS, document
    return document
