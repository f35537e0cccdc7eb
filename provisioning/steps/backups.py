"""Daily backups of the volumes: Backup for GKE. The databases are backed up by Cloud SQL itself."""

from collections.abc import Iterator
from typing import Any, ClassVar

from provisioning.clients.google import NotFound, api, execute, pages
from provisioning.clients.google.operations import check
from provisioning.engine.action import AsWanted, Change, Context, Differs, NotYet, Refused, Seen, UnderWay, seconds
from provisioning.fleet import standby
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

    plan_id: ClassVar[str] = names.BACKUP_PLAN

    def path(self, spec: InstanceSpec) -> str:
        """The plan's full name; in it is the region where its backups are kept."""
        return names.backup_plan_path(spec)

    def body(self, spec: InstanceSpec) -> dict[str, Any]:
        """The plan as it is wanted."""
        return _body(spec, SCHEDULE, KEPT_DAYS)

    def see(self, context: Context) -> Seen:
        plan = execute(_plans().get(name=self.path(context.spec)))
        if why := COMING.get(plan.get("state", "")):
            return UnderWay(f"the backup plan to be {why}")
        if plan.get("state") == "FAILED":
            return Differs(f"it failed: {plan.get('stateReason') or 'Google gives no reason'}")
        changes = differences(self.body(context.spec), plan)
        return Differs.in_settings(changes) if changes else AsWanted()

    def create(self, context: Context) -> str:
        """Makes it, or changes its settings. Raises Refused for a plan that failed."""
        path, body = self.path(context.spec), self.body(context.spec)
        try:
            plan = execute(_plans().get(name=path))
        except NotFound:
            parent = path.partition("/backupPlans/")[0]
            check(execute(_plans().create(parent=parent, backupPlanId=self.plan_id, body=body)))
            return "asked for the backup plan"
        if plan.get("state") == "FAILED":
            why = plan.get("stateReason") or "Google gives no reason"
            raise Refused(f"The backup plan failed: {why}.", "Delete the plan in the project, then retry.")
        changes = differences(body, plan)
        return self._change(context, plan, changes) if changes else "found it as wanted"

    def remove(self, context: Context) -> str:
        """Its backups go first, by force since they hold volumes; then the plan."""
        path = self.path(context.spec)
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
        return f"//gkebackup.googleapis.com/{self.path(context.spec)}"

    def _change(self, context: Context, plan: dict[str, Any], changes: list[Change]) -> str:
        """A plan has no state for being changed: its operation is followed until the new settings show."""
        what_to_do = "Delete the plan and its backups in the project, then retry the step: it is made anew."
        refuse_fixed("The backup plan", changes, CHANGEABLE, what_to_do)
        labels = {"labels": labelled(plan.get("labels"), context.spec.labels)}
        fields = {name: value for name, value in (self.body(context.spec) | labels).items() if name in touched(changes)}
        mask = ",".join(fields)
        request = _plans().patch(name=plan["name"], updateMask=mask, body=fields)
        changed(context, request, changes, lambda name: _operations().get(name=name))
        raise NotYet("the backup plan to take its new settings", seconds(10))


class StandbyPlan(BackupPlan):
    """Backups of the volumes in the other region

    They are kept where a cluster can be restored from them when this region is lost.
    """

    plan_id = names.STANDBY_PLAN

    def path(self, spec: InstanceSpec) -> str:
        return names.standby_plan_path(spec)

    def body(self, spec: InstanceSpec) -> dict[str, Any]:
        return _body(spec, standby.VOLUMES_SCHEDULE, standby.KEPT_DAYS)


class PlanOfArchitecture(Part, BackupPlan):
    """Daily backups"""

    part = "backup_plan"


def _plans() -> Any:
    return api("gkebackup", "v1").projects().locations().backupPlans()


def _operations() -> Any:
    return api("gkebackup", "v1").projects().locations().operations()


def newest_backup(plan: str) -> dict[str, Any] | None:
    """Of that plan, by its full name, the newest that succeeded."""
    found = [backup for page in _backup_pages(plan) for backup in page.get("backups", ())]
    good = [backup for backup in found if backup.get("state") == "SUCCEEDED"]
    return max(good, key=lambda backup: str(backup["createTime"]), default=None)


def _backup_pages(plan: str) -> Iterator[dict[str, Any]]:
    collection = _plans().backups()
    return pages(collection, collection.list(parent=plan))


def _body(spec: InstanceSpec, schedule: str, kept_days: int) -> dict[str, Any]:
    """Only the instance's namespace: Google bills by the pod."""
    return {
        "cluster": names.cluster_path(spec),
        "labels": spec.labels,
        "backupSchedule": {"cronSchedule": schedule},
        "retentionPolicy": {"backupRetainDays": kept_days, "backupDeleteLockDays": LOCKED_DAYS},
        "backupConfig": {
            "includeVolumeData": True,
            "includeSecrets": True,
            "selectedNamespaces": {"namespaces": [names.namespace(spec)]},
        },
    }
