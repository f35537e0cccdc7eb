"""Clusters that somebody brings."""

from urllib.parse import urlsplit

import yaml
from django.db import IntegrityError, transaction

from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.models import Organization
from provisioning.clients.kubeconfig import Kubeconfig, UnsafeKubeconfig, encrypt
from provisioning.models import Cluster


def cluster_add(
    *,
    organization: Organization,
    name: str,
    kubeconfig: str,
    has_cluster_wide_rights: bool,
    actor: Actor,
    storage_class: str = "",
    ingress_class: str = "nginx",
) -> Cluster:
    """The cluster is known; its kubeconfig is kept encrypted and never shown again.

    Raises Invalid for a kubeconfig that would run programs, read files or names no server; Conflict for a taken name.
    """
    if actor.user is None:
        raise Invalid("A cluster is added by a person.")
    try:
        parsed = Kubeconfig.parse(kubeconfig)
    except (UnsafeKubeconfig, yaml.YAMLError) as error:
        raise Invalid(str(error), field="kubeconfig") from None
    try:
        with transaction.atomic():
            cluster = Cluster.objects.create(
                organization=organization,
                name=name,
                server=parsed.server,
                kubeconfig_encrypted=encrypt(kubeconfig),
                has_cluster_wide_rights=has_cluster_wide_rights,
                storage_class=storage_class,
                ingress_class=ingress_class,
                created_by=actor.user,
            )
            host = urlsplit(parsed.server).hostname
            record("cluster.add", cluster, organization_id=organization.pk, actor=actor, details={"host": host})
    except IntegrityError as error:
        if "cluster_name" not in str(error):
            raise
        raise Conflict(f"There is a cluster named “{name}” already.", field="name") from None
    return cluster
