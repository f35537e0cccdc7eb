"""Cloud SQL: the settings of an instance that Google fills in, and which of them a patch can change, and how."""

from devcloud.google import errors
from devcloud.google.call import Json

DEFAULTS: Json = {
    "activationPolicy": "ALWAYS",
    "availabilityType": "ZONAL",
    "backupConfiguration": {
        "kind": "sql#backupConfiguration",
        "enabled": False,
        "startTime": "00:00",
        "transactionLogRetentionDays": 7,
        "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
    },
    "connectorEnforcement": "NOT_REQUIRED",
    "dataDiskSizeGb": "10",
    "dataDiskType": "PD_SSD",
    "deletionProtectionEnabled": False,
    "pricingPlan": "PER_USE",
    "replicationType": "SYNCHRONOUS",
    "storageAutoResize": True,
    "storageAutoResizeLimit": "0",
}
_FIXED = ("name", "region", "databaseVersion", "instanceType", "backendType", "project")
_RESTARTING = ("tier", "edition", "availabilityType", "activationPolicy")


def check_change(instance: Json, body: Json, settings: Json) -> None:
    """Raises GoogleError 400 for what is decided when an instance is made, and for a disk that would shrink."""
    for field in _FIXED:
        if body.get(field, instance.get(field)) != instance.get(field):
            raise errors.invalid(f"Invalid request: {field} cannot be changed after the instance is created.")
    held = instance["settings"]
    if settings["dataDiskType"] != held["dataDiskType"]:
        raise errors.invalid("Invalid request: The disk type of an instance cannot be changed.")
    if int(settings["dataDiskSizeGb"]) < int(held["dataDiskSizeGb"]):
        message = f"Invalid request: Disk size cannot be decreased from {held['dataDiskSizeGb']} GB."
        raise errors.invalid(message)


def restarts(before: Json, after: Json) -> bool:
    """Whether the change stops the instance for a while."""
    return any(before.get(field) != after.get(field) for field in _RESTARTING)
