"""What is asked of Google Kubernetes Engine: a cluster and its nodes as JSON, made of the instance's spec alone."""

from typing import Any

from django.conf import settings

from provisioning.engine.action import Context
from provisioning.steps import names
from provisioning.steps.google import attempt

CONTROL_PLANE_BLOCK = "172.16.0.0/28"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def cluster_body(context: Context) -> dict[str, Any]:
    """Private, zonal (the management fee is that of a regional one, the nodes a third), with its nodes inline."""
    spec = context.spec
    return {
        "name": names.CLUSTER,
        "network": names.network_path(spec.id),
        "subnetwork": f"projects/{spec.id}/regions/{spec.region}/subnetworks/{names.SUBNET}",
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": names.POD_RANGE,
            "servicesSecondaryRangeName": names.SERVICE_RANGE,
        },
        "privateClusterConfig": {"enablePrivateNodes": True, "masterIpv4CidrBlock": CONTROL_PLANE_BLOCK},
        "masterAuthorizedNetworksConfig": _authorized(settings.PORTAL_EGRESS_RANGES),
        "releaseChannel": {"channel": "REGULAR"},
        "workloadIdentityConfig": {"workloadPool": f"{spec.id}.svc.id.goog"},
        "shieldedNodes": {"enabled": True},
        "addonsConfig": {
            "gkeBackupAgentConfig": {"enabled": True},
            "gcePersistentDiskCsiDriverConfig": {"enabled": True},
            "httpLoadBalancing": {"disabled": False},
        },
        "resourceLabels": {**spec.labels, "attempt": attempt(context)},
        "nodePools": [pool_body(context)],
    }


def pool_body(context: Context) -> dict[str, Any]:
    spec = context.spec
    return {
        "name": names.NODE_POOL,
        "initialNodeCount": spec.size.node_count,
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"strategy": "SURGE", "maxSurge": 1, "maxUnavailable": 0},
        "config": {
            "machineType": spec.size.machine_type,
            "diskSizeGb": spec.size.node_disk_gb,
            "diskType": "pd-balanced",
            "serviceAccount": names.account_email(spec, names.NODES_ACCOUNT),
            "oauthScopes": [SCOPE],
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
            "resourceLabels": {**spec.labels, "attempt": attempt(context)},
        },
    }


def _authorized(ranges: list[str]) -> dict[str, Any]:
    blocks = [{"displayName": "portal", "cidrBlock": block} for block in ranges]
    return {"enabled": True, "cidrBlocks": blocks} if blocks else {"enabled": False}
