from django.conf import settings
from django.db import models

from portal.core import clock, ids


class Cluster(models.Model):
    """A Kubernetes cluster that somebody brings. Its kubeconfig is encrypted at rest and never shown again."""

    id = models.CharField(primary_key=True, max_length=26, default=ids.cluster_id, editable=False)
    name = models.CharField(max_length=60, unique=True)
    organization = models.ForeignKey("core.Organization", on_delete=models.PROTECT, related_name="clusters")
    server = models.URLField(help_text="Its API server, read from the kubeconfig.")
    kubeconfig_encrypted = models.BinaryField(editable=False)
    has_cluster_wide_rights = models.BooleanField(
        default=False,
        help_text="Off: the chart's ClusterRoles and StorageClass are left out, and many releases share the cluster.",
    )
    storage_class = models.CharField(max_length=60, blank=True, help_text="Empty: the cluster's default.")
    ingress_class = models.CharField(max_length=60, default="nginx")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
