"""What is asked of Cloud SQL: a database server as JSON, made of the instance's spec alone."""

from typing import Any

from provisioning.fleet.architectures import architecture_of
from provisioning.fleet.standby import other_region
from provisioning.spec import InstanceSpec
from provisioning.steps import names

VERSION = "POSTGRES_16"
BACKUP_HOUR = "03:00"
KEPT_BACKUPS = 7


def server_body(spec: InstanceSpec) -> dict[str, Any]:
    """The whole server, as it is made."""
    size = spec.size
    return {
        "name": names.sql_instance(spec),
        "region": spec.region,
        "databaseVersion": VERSION,
        "settings": {
            "tier": size.sql_tier,
            "edition": "ENTERPRISE",
            # A stopped server still says that it is RUNNABLE: whether it runs is told by this alone.
            "activationPolicy": "NEVER" if spec.is_suspended else "ALWAYS",
            "availabilityType": "REGIONAL" if size.sql_is_highly_available else "ZONAL",
            "dataDiskType": "PD_SSD",
            "dataDiskSizeGb": str(size.sql_disk_gb),
            "storageAutoResize": True,
            "deletionProtectionEnabled": True,
            "userLabels": spec.labels,
            "ipConfiguration": _addressing(spec),
            "backupConfiguration": {
                "enabled": True,
                "startTime": BACKUP_HOUR,
                "pointInTimeRecoveryEnabled": True,
                "backupRetentionSettings": {"retainedBackups": KEPT_BACKUPS, "retentionUnit": "COUNT"},
            },
        },
    }


def standby_body(spec: InstanceSpec) -> dict[str, Any]:
    """The server that follows it in the other region: of its size, in one zone, and without backups of its own, which
    Cloud SQL keeps of none that follows. Once it has taken over it becomes as any other.
    """
    body = server_body(spec)
    settings = {name: value for name, value in body["settings"].items() if name != "backupConfiguration"}
    return {
        **body,
        "name": names.standby_instance(spec),
        "region": other_region(spec.region),
        "masterInstanceName": names.sql_instance(spec),
        "settings": {**settings, "availabilityType": "ZONAL", "activationPolicy": "ALWAYS"},
    }


def _addressing(spec: InstanceSpec) -> dict[str, Any]:
    """In the network alone; or at a public address for which no network is authorized, so that nothing gets in but
    Cloud SQL's own proxy, with an identity that IAM knows. What is not TLS is refused in any case.
    """
    if architecture_of(spec.architecture).private_database:
        return {"ipv4Enabled": False, "privateNetwork": names.network_path(spec.id)}
    return {"ipv4Enabled": True, "sslMode": "ENCRYPTED_ONLY", "authorizedNetworks": []}
