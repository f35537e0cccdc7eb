"""A backup of the volumes before a change: Backup for GKE makes it on demand, and removes it when its days are over."""

from typing import Any

from provisioning.clients.google import api, execute
from provisioning.clients.google.operations import check
from provisioning.engine.action import AsWanted, Context, Refused, Seen, UnderWay, seconds
from provisioning.steps import names
from provisioning.steps.google import GoogleAction, attempt
from provisioning.steps.parts import Part

KEPT_DAYS = 14
COMING = {"CREATING": "be made", "IN_PROGRESS": "be made", "DELETING": "be gone"}


class VolumeBackup(GoogleAction):
    """Backup of the volumes"""

    def see(self, context: Context) -> Seen:
        backup = execute(_backups().get(name=_name(context)))
        if coming := COMING.get(backup["state"]):
            return UnderWay(f"the backup of the volumes to {coming}", seconds(60))
        if backup["state"] != "SUCCEEDED":
            why = str(backup.get("stateReason") or "Google gives no reason").rstrip(".")
            raise Refused(f"The backup of the volumes failed: {why}.", "Retry the step: it makes another.")
        return AsWanted({"volume_backup": backup["name"], "taken_at": backup["createTime"]})

    def create(self, context: Context) -> str:
        parent, _, backup_id = _name(context).partition("/backups/")
        body = {
            "description": f"Before {context.operation_id}",
            "labels": context.spec.labels,
            "retainDays": KEPT_DAYS,
        }
        check(execute(_backups().create(parent=parent, backupId=backup_id, body=body)))
        return "asked for a backup of the volumes"

    def resource(self, context: Context) -> str:
        return f"//gkebackup.googleapis.com/{_name(context)}"


class BackupOfArchitecture(Part, VolumeBackup):
    """Backup of the volumes

    Where no plan keeps any there is none: the volumes hold what the application makes anew.
    """

    part, stays = "backup_plan", True


def _backups() -> Any:
    return api("gkebackup", "v1").projects().locations().backupPlans().backups()


def _name(context: Context) -> str:
    """Each try's own: the name of one that failed is not free."""
    return f"{names.backup_plan_path(context.spec)}/backups/{attempt(context)}"
