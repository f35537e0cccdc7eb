"""Clusters that somebody brings, in devcloud."""

import httpx

from portal.core.audit import Actor
from portal.core.models import Organization, User
from provisioning.models import Cluster
from provisioning.services import cluster_add
from tests.stack.devcloud import RunningDevcloud


def bring(devcloud: RunningDevcloud, organization: Organization, person: User, **asked: str) -> Cluster:
    """A cluster of devcloud's is known to the portal. `asked` are fields of the control API, such as minor_version."""
    answer = httpx.post(f"{devcloud.http_url}/_control/kubernetes/clusters", json=asked, trust_env=False)
    return cluster_add(
        organization=organization,
        name=f"cluster {answer.text.split()[-1]}",
        kubeconfig=answer.text,
        has_cluster_wide_rights=False,
        actor=Actor(person, person.email),
    )
