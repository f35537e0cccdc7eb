"""Daily backups of the volumes: Backup for GKE. The databases are backed up by Cloud SQL itself."""

from collections.abc import Iterator
from typing import Any

from provisioning.clients.google import api, execute, pages
from provisioning.clients.google.operations import check
from provisioning.engine.action import AsWanted, Context, Differs, NotYet, Refused, Seen, UnderWay
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

SCHEDULE = "17 3 * * *"
COMING = {"PROVISIONING": "ready", "CLUSTER_PENDING": "ready", "DELETING": "gone"}
KEPT_DAYS = 30
LOCKED_DAYS = 0  # a locked backup cannot be deleted, and would keep a leaving customer's data


class BackupPlan(GoogleAction):
    """Daily backups"""

    def see(self, context: Context) -> Seen:
        plan = execute(_plans().get(name=names.backup_plan_path(context.spec)))
        if why := COMING.get(plan.get("state", "")):
            return UnderWay(f"the backup plan to be {why}")
        if plan.get("state") == "FAILED":
            return Differs(f"it failed: {plan.get('stateReason') or 'Google gives no reason'}")
        return AsWanted()

    def create(self, context: Context) -> str:
        """Raises Refused for a plan that failed."""
        path = names.backup_plan_path(context.spec)
        if isinstance(seen := self.look(context), Differs):
            raise Refused(f"The backup plan: {seen.difference}.", "Delete the plan in the project, then retry.")
        parent = path.partition("/backupPlans/")[0]
        body = _body(context.spec)
        check(execute(_plans().create(parent=parent, backupPlanId=names.BACKUP_PLAN, body=body)))
        return "asked for the backup plan"

    def remove(self, context: Context) -> str:
        """Its backups go first, by force since they hold volumes; then the plan."""
        path = names.backup_plan_path(context.spec)
        if execute(_plans().get(name=path)).get("state") == "DELETING":
            raise NotYet("the backup plan to be gone")
        backups = [backup for page in _backup_pages(path) for backup in page.get("backups", ())]
        if going := [backup for backup in backups if backup.get("state") == "DELETING"]:
            raise NotYet(f"{len(going)} backups to be gone")
        if backups:
            check(execute(_plans().backups().delete(name=backups[0]["name"], force=True)))
            return "asked for the deletion of a backup"
        check(execute(_plans().delete(name=path)))
        return "asked for the deletion of the backup plan"


def _plans() -> Any:
    return api("gkebackup", "v1").projects().locations().backupPlans()


def _backup_pages(plan: str) -> Iterator[dict[str, Any]]:
    collection = _plans().backups()
    return pages(collection, collection.list(parent=plan))


def _body(spec: InstanceSpec) -> dict[str, Any]:
    """Only the instance's namespace: Google bills by the pod."""
    return {
        "cluster": names.cluster_path(spec),
        "labels": spec.labels,
        "backupSchedule": {"cronSchedule": SCHEDULE},
        "retentionPolicy": {"backupRetainDays": KEPT_DAYS, "backupDeleteLockDays": LOCKED_DAYS},
        "backupConfig": {
            "includeVolumeData": True,
            "includeSecrets": True,
            "selectedNamespaces": {"namespaces": [names.namespace(spec)]},
        },
    }
