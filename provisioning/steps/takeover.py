"""What a takeover brings to life in the other region: the standby of the databases, and a backup of the volumes."""

from typing import Any, Final

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.operations import check, is_done
from provisioning.engine.action import (
    AsWanted,
    Context,
    Missing,
    NotYet,
    Refused,
    Seen,
    UnderWay,
    seconds,
)
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.backups import newest_backup
from provisioning.steps.former_home import former_spec
from provisioning.steps.google import GoogleAction, attempt
from provisioning.steps.sql import operations_of, server_of, word_of
from provisioning.steps.standby_database import REPLICA

FOUND_BY: Final = "copies"  # the step that puts out what is restored
RUNNABLE: Final = "RUNNABLE"
AT_WORK: Final = {"CREATING", "IN_PROGRESS", "VALIDATING", "DELETING"}
NO_STANDBY: Final = "There is no standby of the databases that could take over."
CLAIMS: Final = {"inclusionFilters": [{"groupKind": {"resourceGroup": "", "resourceKind": "PersistentVolumeClaim"}}]}


class Copies(GoogleAction):
    """Copies in the other region

    Which backup of the volumes is restored is decided once. Where there is none yet, the volumes begin empty: what is
    on them the application makes anew, but for uploads of code intelligence.
    """

    def see(self, context: Context) -> Seen:
        try:
            server = server_of(context.spec)
        except NotFound:
            raise Refused(NO_STANDBY, "Wait for the region; nothing has been changed.") from None
        if server["state"] != RUNNABLE:
            return UnderWay("the standby of the databases to run", seconds(30))
        plan = names.standby_plan_path(former_spec(context.spec))
        try:
            backup = newest_backup(plan) or {}
        except NotFound:
            backup = {}
        return AsWanted({"volume_backup": backup.get("name", ""), "taken_at": backup.get("createTime", "")})

    def resource(self, context: Context) -> str:
        return f"//gkebackup.googleapis.com/{names.standby_plan_path(former_spec(context.spec))}"


class Promotion(GoogleAction):
    """Databases that follow nobody any more

    From here on what is written in the lost region, if anything still is, does not come along: there is no way back.
    """

    def see(self, context: Context) -> Seen:
        name = names.sql_instance(context.spec)
        if running := next((o for o in operations_of(context.spec, name) if not is_done(o)), None):
            return UnderWay(f"Cloud SQL to {word_of(running)}", seconds(20))
        server = server_of(context.spec)
        if server["instanceType"] == REPLICA:
            return Missing(f"{name} still follows {server['masterInstanceName']}")
        return AsWanted({"promoted": name}) if server["state"] == RUNNABLE else UnderWay("the databases to run")

    def create(self, context: Context) -> str:
        place = {"project": context.spec.id, "instance": names.sql_instance(context.spec)}
        execute(api("sqladmin", "v1").instances().promoteReplica(**place))
        return "asked for the standby to be promoted"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "sqladmin", f"instances/{names.sql_instance(context.spec)}")


class RestoredVolumes(GoogleAction):
    """Volumes as they were

    Backup for GKE puts the claims of the backup into the namespace, each with its data, before the application comes.
    Each try is a restore of its own; what an earlier one has put there is left.
    """

    def see(self, context: Context) -> Seen:
        if not _backup(context):
            return AsWanted({"restored": ""})
        restore = execute(_restore_plans().restores().get(name=_restore(context)))
        if restore["state"] in AT_WORK:
            return UnderWay("Backup for GKE to restore the volumes", seconds(60))
        if restore["state"] != "SUCCEEDED":
            why = str(restore.get("stateReason") or "Google gives no reason").rstrip(".")
            raise Refused(f"Restoring the volumes failed: {why}.", "Retry the step: it restores them once more.")
        return AsWanted({"restored": _backup(context), "volumes": restore.get("volumesRestoredCount", 0)})

    def create(self, context: Context) -> str:
        path = names.restore_plan_path(context.spec)
        try:
            plan = execute(_restore_plans().get(name=path))
        except NotFound:
            parent = path.partition("/restorePlans/")[0]
            request = _restore_plans().create(
                parent=parent, restorePlanId=names.RESTORE_PLAN, body=_plan_body(context.spec)
            )
            check(execute(request))
            return "asked for the restore plan"
        if plan.get("state") != "READY":
            raise NotYet("the restore plan to be ready")
        body = {"backup": _backup(context), "labels": context.spec.labels, "filter": CLAIMS}
        parent, _, restore_id = _restore(context).partition("/restores/")
        check(execute(_restore_plans().restores().create(parent=parent, restoreId=restore_id, body=body)))
        return "asked for the volumes to be restored"

    def resource(self, context: Context) -> str:
        return f"//gkebackup.googleapis.com/{_restore(context)}"


def _plan_body(spec: InstanceSpec) -> dict[str, Any]:
    """What stands already is left as it is; and of what is not there only claims come, by the restore's filter."""
    return {
        "backupPlan": names.standby_plan_path(former_spec(spec)),
        "cluster": names.cluster_path(spec),
        "labels": spec.labels,
        "restoreConfig": {
            "selectedNamespaces": {"namespaces": [names.namespace(spec)]},
            "namespacedResourceRestoreMode": "MERGE_SKIP_ON_CONFLICT",
            "volumeDataRestorePolicy": "RESTORE_VOLUME_DATA_FROM_BACKUP",
        },
    }


def _restore_plans() -> Any:
    return api("gkebackup", "v1").projects().locations().restorePlans()


def _backup(context: Context) -> str:
    """The full name of the backup that was found; empty without one, and where that step was skipped."""
    return str(context.outputs.get(FOUND_BY, {}).get("volume_backup", ""))


def _restore(context: Context) -> str:
    return f"{names.restore_plan_path(context.spec)}/restores/{attempt(context)}"
