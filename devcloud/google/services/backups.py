"""Backup for GKE: backup plans and their backups, those that are asked for and those that the schedule makes.

A plan keeps its backups in its own region, which need not be its cluster's.
"""

import re

from devcloud import timers
from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import write
from devcloud.google.operations import Work
from devcloud.google.regions import REGIONS
from devcloud.google.services.cluster_operations import cluster_id
from devcloud.google.services.networks import CLUSTERS
from devcloud.kubernetes.clusters import open_cluster
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.schedules import parse

PLANS = "gkebackup.backupPlans"
BACKUPS = "gkebackup.backups"
COPIES = "gkebackup.copies"  # what a backup holds, by its full name

_ID = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_OUTPUT = {"name", "uid", "state", "createTime", "updateTime", "etag"}
_LONGEST_LOCK_DAYS = 90
_DAY = 24 * 3600.0
_TERMS = (("retainDays", "backupRetainDays"), ("deleteLockDays", "backupDeleteLockDays"))
_PARENT = "gkebackup.projects.locations.backupPlans"


@implements(f"{_PARENT}.create")
def _create_plan(call: Call) -> Json:
    name = f"{call['parent']}/backupPlans/{checked_id(call, 'backupPlanId')}"
    if call.cloud.store.get(PLANS, name):
        raise errors.GoogleError(409, "alreadyExists", f"Resource '{name}' already exists")
    if call["parent"].rpartition("/")[2] not in REGIONS:
        raise errors.invalid("Backup for GKE is a regional service: its locations are regions.", "parent")
    resources.need_ready(call, CLUSTERS, call.body["cluster"], "backup_plan.cluster")
    if call.body.get("retentionPolicy", {}).get("backupDeleteLockDays", 0) > _LONGEST_LOCK_DAYS:
        raise errors.invalid("backup_delete_lock_days must be at most 90.", "backup_plan.retention_policy")
    body = new(call, name, "PROVISIONING")
    _schedule(call.cloud, call.at, name, body)
    resources.add(call, PLANS, name, body, seconds=call.cloud.profile.seconds("gkebackup.plan"))
    return start(call, name, "gkebackup.plan", operations.changed(PLANS, name, state="READY"), "BackupPlan")


@implements(f"{_PARENT}.patch")
def _patch_plan(call: Call) -> Json:
    """The fields of the mask, or all that are given, are as given."""
    name = call["name"]
    plan = resources.need_ready(call, PLANS, name, "name")
    place = "/".join(name.split("/")[:4])
    if operations.running_on(call.cloud, "gkebackup", f"{place}/operations/", name):
        raise errors.stale("Another operation on the plan is under way.")
    changes = {field: value for field, value in resources.masked(call).items() if field not in _OUTPUT}
    if "cluster" in changes and changes["cluster"] != plan["cluster"]:
        raise errors.invalid("The cluster of a backup plan is immutable.", "backup_plan.cluster")
    changes |= {"etag": resources.etag(), "updateTime": rfc3339(call.at)}
    return start(call, name, "gkebackup.update", operations.changed(PLANS, name, **changes), "BackupPlan")


@implements(f"{_PARENT}.delete")
def _delete_plan(call: Call) -> Json:
    name = call["name"]
    resources.need(call, PLANS, name)
    if call.cloud.store.items(BACKUPS, f"{name}/"):
        raise errors.precondition(f"Resource '{name}' has nested resources. Delete its backups first.")
    resources.replace(call.cloud, PLANS, name, {"state": "DELETING"})
    return start(call, name, "delete.backupplan", operations.gone(PLANS, name))


@implements(f"{_PARENT}.backups.create")
def _create_backup(call: Call) -> Json:
    plan = resources.need_ready(call, PLANS, call["parent"], "parent")
    name = f"{call['parent']}/backups/{checked_id(call, 'backupId')}"
    if call.cloud.store.get(BACKUPS, name):
        raise errors.GoogleError(409, "alreadyExists", f"Resource '{name}' already exists")
    seconds = call.cloud.profile.seconds("gkebackup.backup")
    kept = _kept_days(call, plan)
    body = {
        **new(call, name, "IN_PROGRESS"),
        "manual": True,
        "retainDays": kept,
        "clusterMetadata": {"cluster": plan["cluster"]},
    }
    if kept:
        body["retainExpireTime"] = rfc3339(call.at + kept * _DAY)
        timers.schedule(call.cloud, call.at + kept * _DAY, "gkebackup.expire", {"name": name, "uid": body["uid"]})
    resources.add(call, BACKUPS, name, body, seconds=seconds)
    call.cloud.store.put(COPIES, name, _copy_of(call.cloud, plan))
    ended = {"state": "SUCCEEDED", "completeTime": rfc3339(call.at + seconds), "volumeCount": 2, "sizeBytes": "1048576"}
    return start(call, name, "gkebackup.backup", operations.changed(BACKUPS, name, **ended), "Backup")


@implements(f"{_PARENT}.backups.delete")
def _delete_backup(call: Call) -> Json:
    """Only by force while the backup has volume backups, which every one that succeeded has."""
    name = call["name"]
    if resources.need(call, BACKUPS, name).get("volumeCount") and not call.get("force"):
        raise errors.precondition(f"Resource '{name}' has nested resources. Use force to delete them too.")
    resources.replace(call.cloud, BACKUPS, name, {"state": "DELETING"})
    call.cloud.store.delete(COPIES, name)
    return start(call, name, "delete.backup", operations.gone(BACKUPS, name))


@implements(f"{_PARENT}.get", f"{_PARENT}.backups.get")
def _get(call: Call) -> Json:
    return resources.need(call, BACKUPS if ".backups." in call.method.id else PLANS, call["name"])


@implements(f"{_PARENT}.list", f"{_PARENT}.backups.list")
def _list(call: Call) -> Json:
    collection, field = (BACKUPS, "backups") if ".backups." in call.method.id else (PLANS, "backupPlans")
    return resources.page(call, field, resources.below(call, collection, f"{call['parent']}/{field}/"))


@timers.action("gkebackup.expire")
def _expire(cloud: Cloud, _at: float, arguments: Json) -> None:
    """It is as old as it was to become. One of the same name that was made since is another's."""
    entry = cloud.store.get(BACKUPS, arguments["name"])
    if entry and entry["body"]["uid"] == arguments["uid"]:
        cloud.store.delete(BACKUPS, arguments["name"])
        cloud.store.delete(COPIES, arguments["name"])


@timers.action("gkebackup.scheduled")
def _scheduled(cloud: Cloud, at: float, arguments: Json) -> None:
    """One that the plan's schedule makes; as whole as its cluster is then. The next comes in any case."""
    name = arguments["plan"]
    entry = cloud.store.get(PLANS, name)
    if entry is None or entry["body"]["uid"] != arguments["uid"]:
        return
    plan = entry["body"]
    _schedule(cloud, at, name, plan)
    if plan["state"] == "READY" and plan["cluster"] and cloud.store.get(CLUSTERS, plan["cluster"]):
        _back_up(cloud, at, f"{name}/backups/scheduled-{int(at)}", plan)


def _schedule(cloud: Cloud, at: float, name: str, plan: Json) -> None:
    if cron := plan.get("backupSchedule", {}).get("cronSchedule"):
        due = parse(cron).after(at)
        if due is not None:
            timers.schedule(cloud, due, "gkebackup.scheduled", {"plan": name, "uid": plan["uid"]})


def _back_up(cloud: Cloud, at: float, name: str, plan: Json) -> None:
    kept = plan.get("retentionPolicy", {}).get("backupRetainDays", 0)
    moments = dict.fromkeys(("createTime", "updateTime", "completeTime"), rfc3339(at))
    found = {"state": "SUCCEEDED", "retainDays": kept, "volumeCount": 2, "sizeBytes": "1048576"}
    marks = {"name": name, "uid": resources.etag(), "etag": resources.etag()}
    body = {**found, **moments, **marks, "clusterMetadata": {"cluster": plan["cluster"]}}
    cloud.store.put(BACKUPS, name, {"body": body, "visible_at": at, "ready": True})
    cloud.store.put(COPIES, name, _copy_of(cloud, plan))
    if kept:
        timers.schedule(cloud, at + kept * _DAY, "gkebackup.expire", {"name": name, "uid": body["uid"]})


def _copy_of(cloud: Cloud, plan: Json) -> Json:
    """The claims in the plan's namespaces, as they are by now."""
    cluster = open_cluster(cloud, cluster_id(plan["cluster"]))
    namespaces = plan.get("backupConfig", {}).get("selectedNamespaces", {}).get("namespaces")
    claims = cluster.objects.each(kind_named("persistentvolumeclaims")) if cluster else ()
    return {"claims": [each for each in claims if namespaces is None or each["metadata"]["namespace"] in namespaces]}


def _kept_days(call: Call, plan: Json) -> int:
    """Its own, or the plan's; 0 is for ever."""
    terms: dict[str, int] = {**plan.get("retentionPolicy", {}), **call.body}
    kept, locked = (terms.get(own, terms.get(of_plan, 0)) for own, of_plan in _TERMS)
    if 0 < kept < locked:
        raise errors.invalid("retain_days must be at least delete_lock_days.", "backup.retain_days")
    return kept


def checked_id(call: Call, parameter: str) -> str:
    """What the caller calls it. Raises GoogleError 400."""
    value = str(call.get(parameter, ""))
    if not _ID.fullmatch(value):
        raise errors.invalid(
            f"{parameter} '{value}' must have 1 to 63 lowercase letters, digits or hyphens.", parameter
        )
    return value


def new(call: Call, name: str, state: str) -> Json:
    """The body of a new resource, with what Google fills in."""
    return {
        **call.body,
        "name": name,
        "uid": resources.etag(),
        "state": state,
        "createTime": rfc3339(call.at),
        "updateTime": rfc3339(call.at),
        "etag": resources.etag(),
    }


def start(
    call: Call, name: str, duration: str, outcome: tuple[str, Json], response_type: str = "", collection: str = ""
) -> Json:
    """The operation on the resource of that collection is under way, in its JSON form."""
    place = "/".join(name.split("/")[:4])
    details = {
        "metadata": {"target": name, "verb": call.method.id.rpartition(".")[2], "createTime": rfc3339(call.at)},
        "response_type": f"google.cloud.gkebackup.v1.{response_type}" if response_type else "google.protobuf.Empty",
    }
    failed = {} if call.method.id.endswith(".patch") else {"state": "FAILED"}
    collection = collection or (PLANS if "/backups/" not in name else BACKUPS)
    failure = operations.changed(collection, name, **failed)
    work = Work(
        name=f"{place}/operations/{operations.new_name()}",
        kind=call.method.id,
        target=name,
        seconds=call.cloud.profile.seconds(duration),
        outcome=outcome,
        failure=failure,
        details=details,
    )
    return write(call, operations.start(call, work))
