"""Cloud SQL: the settings of an instance that Google fills in, and which of them a patch can change, and how."""

from datetime import UTC, datetime, timedelta

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
NIGHT = "sql.night"  # the timer that makes an instance's automated backup
PRIVATE_BLOCK, _PUBLIC_BLOCK = "10.64.0", "198.51.100"  # the latter is reserved for documentation


def check_change(instance: Json, body: Json, settings: Json) -> None:
    """Raises GoogleError 400 for what is decided when an instance is made, and for a disk that would shrink."""
    for field in _FIXED:
        if body.get(field, instance.get(field)) != instance.get(field):
            raise errors.invalid(f"Invalid request: {field} cannot be changed after the instance is created.")
    held = instance["settings"]
    if _network(held) and not _network(settings):
        raise errors.invalid("Invalid request: The private network of an instance cannot be removed once it is set.")
    if settings["dataDiskType"] != held["dataDiskType"]:
        raise errors.invalid("Invalid request: The disk type of an instance cannot be changed.")
    if int(settings["dataDiskSizeGb"]) < int(held["dataDiskSizeGb"]):
        message = f"Invalid request: Disk size cannot be decreased from {held['dataDiskSizeGb']} GB."
        raise errors.invalid(message)


def restarts(before: Json, after: Json) -> bool:
    """Whether the change stops the instance for a while."""
    is_joined = _network(before) != _network(after)
    return is_joined or any(before.get(field) != after.get(field) for field in _RESTARTING)


def addresses(settings: Json, held: list[Json], private: str) -> list[Json]:
    """Its addresses by these settings; `private` is the one that it gets where it has none in the network yet.

    A public one that is taken away and given again is another one.
    """
    addressing: Json = settings["ipConfiguration"]
    wanted = {"PRIVATE": bool(addressing.get("privateNetwork")), "PRIMARY": bool(addressing.get("ipv4Enabled"))}
    kept = {address["type"]: address for address in held if wanted[address["type"]]}
    number = 2 + int(settings["settingsVersion"]) % 250
    fresh = {"PRIVATE": private, "PRIMARY": f"{_PUBLIC_BLOCK}.{number}"}
    return [kept.get(kind, {"type": kind, "ipAddress": fresh[kind]}) for kind, is_wanted in wanted.items() if is_wanted]


def next_night(at: float, settings: Json) -> float:
    """When the next backup is due: at the hour of its configuration, UTC."""
    hour, minute = map(int, settings["backupConfiguration"]["startTime"].split(":"))
    now = datetime.fromtimestamp(at, UTC)
    due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (due if due > now else due + timedelta(days=1)).timestamp()


def _network(settings: Json) -> str:
    return str(settings["ipConfiguration"].get("privateNetwork") or "")
