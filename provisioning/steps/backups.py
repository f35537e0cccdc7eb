"""Daily backups of the volumes: Backup for GKE. The databases are backed up by Cloud SQL itself."""

from collections.abc import Iterator
from typing import Any

from provisioning.clients.google import NotFound, api, execute, pages
from provisioning.clients.google.operations import check
from provisioning.engine.action import AsWanted, Change, Context, Differs, NotYet, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences, labelled, refuse_fixed, touched
from provisioning.steps.google import GoogleAction, changed
from provisioning.steps.parts import Part

SCHEDULE = "17 3 * * *"
CHANGEABLE = ("labels", "backupSchedule", "retentionPolicy", "backupConfig")
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
        changes = differences(_body(context.spec), plan)
        return Differs.in_settings(changes) if changes else AsWanted()

    def create(self, context: Context) -> str:
        """Makes it, or changes its settings. Raises Refused for a plan that failed."""
        path, body = names.backup_plan_path(context.spec), _body(context.spec)
        try:
            plan = execute(_plans().get(name=path))
        except NotFound:
            parent = path.partition("/backupPlans/")[0]
            check(execute(_plans().create(parent=parent, backupPlanId=names.BACKUP_PLAN, body=body)))
            return "asked for the backup plan"
        if plan.get("state") == "FAILED":
            why = plan.get("stateReason") or "Google gives no reason"
            raise Refused(f"The backup plan failed: {why}.", "Delete the plan in the project, then retry.")
        changes = differences(body, plan)
        return self._change(context, plan, changes) if changes else "found it as wanted"

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

    def resource(self, context: Context) -> str:
        return f"//gkebackup.googleapis.com/{names.backup_plan_path(context.spec)}"

    def _change(self, context: Context, plan: dict[str, Any], changes: list[Change]) -> str:
        """A plan has no state for being changed: its operation is followed until the new settings show."""
        what_to_do = "Delete the plan and its backups in the project, then retry the step: it is made anew."
        refuse_fixed("The backup plan", changes, CHANGEABLE, what_to_do)
        labels = {"labels": labelled(plan.get("labels"), context.spec.labels)}
        fields = {name: value for name, value in (_body(context.spec) | labels).items() if name in touched(changes)}
        mask = ",".join(fields)
        request = _plans().patch(name=plan["name"], updateMask=mask, body=fields)
        changed(context, request, changes, lambda name: _operations().get(name=name))
        raise NotYet("the backup plan to take its new settings", seconds(10))


class PlanOfArchitecture(Part, BackupPlan):
    """Daily backups"""

    part = "backup_plan"


def _plans() -> Any:
    return api("gkebackup", "v1").projects().locations().backupPlans()


def _operations() -> Any:
    return api("gkebackup", "v1").projects().locations().operations()


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
