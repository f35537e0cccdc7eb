"""Cloud SQL: instances, one change at a time."""

import re
from collections.abc import Callable

from devcloud import timers
from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import write
from devcloud.google.operations import Work
from devcloud.google.policies import ACCOUNTS
from devcloud.google.regions import REGIONS, zones
from devcloud.google.services import connections
from devcloud.google.services.compute import relative
from devcloud.google.services.connections import INSTANCES
from devcloud.google.services.networks import NETWORKS
from devcloud.google.services.sql_replicas import (
    PRIMARY,
    check_change_with_replicas,
    check_no_replicas,
    follow,
    grow_replicas,
    is_replica,
    let_go,
    primary_name,
    replica_fields,
)
from devcloud.google.services.sql_settings import (
    DEFAULTS,
    NIGHT,
    PRIVATE_BLOCK,
    addresses,
    check_change,
    next_night,
    restarts,
)
from devcloud.schemas import set_schema

TOMBSTONES = "sql.tombstones"
CONTENTS = ("sql.databases", "sql.users")
AGENTS = "gcp-sa-cloud-sql.iam.gserviceaccount.com"  # each instance has an account of its own there
BUSY = "Operation failed because another operation was already in progress. Try your request after the current one."

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_VERSION = re.compile(r"(POSTGRES|MYSQL)_(\d+)")
_CUSTOM_TIER = re.compile(r"db-custom-(\d+)-(\d+)")
_PLUS_TIER = re.compile(r"db-perf-optimized-N-\d+")
_WEEK = 7 * 24 * 3600.0


@implements("sql.instances.insert")
def _insert(call: Call) -> Json:
    name = _full_name(call, call.body.get("name", ""))
    _check_name(call, name)
    settings = _settings(call)
    region = call.body.get("region", "us-central1")
    if region not in REGIONS:
        raise errors.invalid(f"Invalid region '{region}'.")
    short = name.rpartition("/")[2]
    body = {
        **call.body,
        "kind": "sql#instance",
        "state": "PENDING_CREATE",
        "project": call.project,
        "region": region,
        "settings": settings,
        "backendType": "SECOND_GEN",
        "instanceType": PRIMARY,
        "connectionName": f"{call.project}:{region}:{short}",
        "selfLink": f"{call.base_url}/v1/{name}",
        "createTime": rfc3339(call.at),
        "etag": resources.etag(),
        "serviceAccountEmailAddress": f"p{call.project_number}-{resources.etag()[:6]}@{AGENTS}",
    }
    body.pop("rootPassword", None)
    kind = "CREATE"
    if "masterInstanceName" in body:
        kind, body = "CREATE_REPLICA", body | replica_fields(call, body)
        _check_idle(call, primary_name(call.project, body))
    seconds = call.cloud.profile.seconds("sql.instance")
    _employ(call, body["serviceAccountEmailAddress"], call.at + seconds)
    resources.add(call, INSTANCES, name, body, seconds=seconds)
    outcome = ("sql.instance_ready", {"name": name})
    failure = operations.changed(INSTANCES, name, state="FAILED")
    return start(call, name, kind, "sql.instance", outcome, failure)


@implements("sql.instances.get")
def _get(call: Call) -> Json:
    return need(call)


@implements("sql.instances.list")
def _list(call: Call) -> Json:
    return resources.page(call, "items", resources.below(call, INSTANCES, f"projects/{call.project}/instances/"))


@implements("sql.instances.patch")
def _patch(call: Call) -> Json:
    """A change of the machine, or of how available it is, restarts it and takes minutes."""
    instance = need_idle(call, running=False)
    wanted = call.body.get("settings", {})
    held = instance["settings"]
    version = held["settingsVersion"]
    if wanted.get("settingsVersion", version) != version:
        raise errors.GoogleError(412, "staleData", "Condition does not match.")
    settings = {**resources.merged(held, wanted), "settingsVersion": str(int(version) + 1)}
    check_change(instance, call.body, settings)
    check_change_with_replicas(call.cloud, call.project, instance, settings)
    _check_tier(settings.get("tier", ""), settings["edition"])
    if "ipConfiguration" in wanted:
        settings["ipConfiguration"] = _addressing(call, settings["ipConfiguration"])
    name = _full_name(call, call["instance"])
    reached_at = addresses(settings, instance.get("ipAddresses", []), _private_address(call.cloud, name))
    grow_replicas(call.cloud, call.project, instance, settings["dataDiskSizeGb"])
    changes = {**call.body, "settings": settings, "ipAddresses": reached_at, "etag": resources.etag()}
    duration = "sql.restart" if restarts(held, settings) else "sql.update"
    return start(call, name, "UPDATE", duration, operations.changed(INSTANCES, name, **changes))


@implements("sql.instances.delete")
def _delete(call: Call) -> Json:
    instance = need_idle(call, running=False)
    if instance["settings"].get("deletionProtectionEnabled"):
        message = "The instance is protected. Please disable the deletion protection and try again."
        raise errors.invalid(message)
    check_no_replicas(instance)
    name = _full_name(call, call["instance"])
    return start(call, name, "DELETE", "delete.sql", ("sql.instance_gone", {"name": name}))


@operations.outcome("sql.instance_ready")
def _ready(cloud: Cloud, at: float, arguments: Json) -> Json | None:
    name = arguments["name"]
    entry = cloud.store.get(INSTANCES, name)
    if entry is None:
        return None
    if is_replica(entry["body"]):
        follow(cloud, name.split("/")[1], entry["body"])
    else:
        _furnish(cloud, name)
    reached_at = addresses(entry["body"]["settings"], [], _private_address(cloud, name))
    timers.schedule(cloud, next_night(at, entry["body"]["settings"]), NIGHT, {"name": name})
    changes = {"state": "RUNNABLE", "ipAddresses": reached_at, "gceZone": zones(entry["body"]["region"])[0]}
    return resources.replace(cloud, INSTANCES, name, changes, ready=True)


def _furnish(cloud: Cloud, name: str) -> None:
    """What every new server has in it."""
    for collection, kind in (("sql.databases", "databases"), ("sql.users", "users")):
        entry = {"body": {"name": "postgres"}, "visible_at": 0, "ready": True}
        cloud.store.put(collection, f"{name}/{kind}/postgres", entry)


@operations.outcome("sql.instance_gone")
def _gone(cloud: Cloud, at: float, arguments: Json) -> None:
    """The instance and what was in it; its name rests for a week, unless it was a replica, and the private connection
    notices late.
    """
    name = arguments["name"]
    entry = cloud.store.get(INSTANCES, name)
    network = relative(entry["body"]["settings"]["ipConfiguration"].get("privateNetwork", "")) if entry else ""
    if network:
        connections.linger(cloud, network, at)
    for collection in (*CONTENTS, "sql.backupRuns", "sql.backupCopies"):
        for child, _document in cloud.store.items(collection, f"{name}/"):
            cloud.store.delete(collection, child)
    set_schema(cloud, name, "")
    cloud.store.delete(INSTANCES, name)
    if entry:
        cloud.store.delete(ACCOUNTS, entry["body"].get("serviceAccountEmailAddress", ""))
    if entry and is_replica(entry["body"]):
        let_go(cloud, name.split("/")[1], entry["body"])
        return
    cloud.store.put(TOMBSTONES, name, {"until": at + _WEEK})


def need(call: Call) -> Json:
    """The instance that the call is about. Raises GoogleError 404."""
    instance = resources.find(call, INSTANCES, _full_name(call, call["instance"]))
    if instance is None:
        raise errors.GoogleError(404, "instanceDoesNotExist", "The Cloud SQL instance does not exist.")
    return instance


def need_idle(call: Call, *, running: bool = True) -> Json:
    """The instance, free for a change. Raises GoogleError 409 operationInProgress where another change is under way."""
    instance = need(call)
    _check_idle(call, _full_name(call, call["instance"]))
    if running:
        check_runs(instance)
    return instance


def _check_idle(call: Call, name: str) -> None:
    if operations.running_on(call.cloud, "sqladmin", f"projects/{call.project}/operations/", name):
        raise errors.GoogleError(409, "operationInProgress", BUSY)


def check_runs(instance: Json) -> None:
    """Raises GoogleError 400 where it has been stopped, or is not there yet: it still may be called RUNNABLE."""
    if instance["state"] != "RUNNABLE" or instance["settings"].get("activationPolicy") == "NEVER":
        raise errors.invalid("Invalid request: Invalid request since instance is not running.")


def start(
    call: Call,
    target: str,
    kind: str,
    duration: str,
    outcome: tuple[str, Json],
    failure: tuple[str, Json] | None = None,
    details: Json | None = None,
) -> Json:
    """The SQL operation is under way, in its JSON form; `details` are fields of that which only some have."""
    name = f"projects/{call.project}/operations/{operations.new_name().removeprefix('operation-')}"
    work = Work(name, kind, target, call.cloud.profile.seconds(duration), outcome, failure, details or {})
    return write(call, operations.start(call, work))


def instance_of(call: Call) -> str:
    """The full name of the instance that the call is about."""
    return _full_name(call, call["instance"])


def _employ(call: Call, email: str, at: float) -> None:
    """The instance's own account is known from then on."""
    call.cloud.store.put(ACCOUNTS, email, {"body": {"email": email}, "visible_at": at, "ready": True})


def _private_address(cloud: Cloud, name: str) -> str:
    """The one it has, or the next that no other server of the project has."""
    others = cloud.store.items(INSTANCES, f"{name.rpartition('/')[0]}/")
    taken = {
        address["ipAddress"]
        for other, entry in others
        for address in entry["body"].get("ipAddresses", ())
        if other != name
    }
    return next(host for number in range(3, 250) if (host := f"{PRIVATE_BLOCK}.{number}") not in taken)


def _full_name(call: Call, short: str) -> str:
    return f"projects/{call.project}/instances/{short}"


def _check_name(call: Call, name: str) -> None:
    short = name.rpartition("/")[2]
    if not _NAME.fullmatch(short) or len(f"{call.project}:{short}") > 98:
        raise errors.invalid(f"Invalid instance name ({short}).")
    tombstone = call.cloud.store.get(TOMBSTONES, name)
    if call.cloud.store.get(INSTANCES, name) or (tombstone and tombstone["until"] > call.at):
        message = (
            "The Cloud SQL instance already exists. When you delete an instance, you can't reuse the name of the "
            "deleted instance until one week from the deletion date."
        )
        raise errors.GoogleError(409, "instanceAlreadyExists", message)


def _settings(call: Call) -> Json:
    version = _VERSION.fullmatch(call.body.get("databaseVersion", ""))
    if version is None:
        raise errors.invalid(f"Invalid database version '{call.body.get('databaseVersion')}'.")
    settings: Json = {**call.body.get("settings", {})}
    if "tier" not in settings:
        raise errors.GoogleError(400, "required", "Missing parameter: tier.")
    # From PostgreSQL 16 on the dearer edition is the default, and it has other tiers.
    default = "ENTERPRISE_PLUS" if version[1] == "POSTGRES" and int(version[2]) >= 16 else "ENTERPRISE"
    settings.setdefault("edition", default)
    _check_tier(settings["tier"], settings["edition"])
    addressing = _addressing(call, {"ipv4Enabled": True, **settings.get("ipConfiguration", {})})
    filled = resources.merged(DEFAULTS, settings)
    return {**filled, "ipConfiguration": addressing, "settingsVersion": "1", "kind": "sql#settings"}


def _check_tier(tier: str, edition: str) -> None:
    checks: dict[str, Callable[[str], bool]] = {
        "ENTERPRISE": _is_enterprise,
        "ENTERPRISE_PLUS": lambda name: bool(_PLUS_TIER.fullmatch(name)),
    }
    if not checks.get(edition, _is_enterprise)(tier):
        raise errors.invalid(f"Invalid request: Invalid Tier ({tier}) for ({edition}) Edition.")


def _is_enterprise(tier: str) -> bool:
    """One CPU or an even number; 0.9 to 6.5 GB of memory for each, in steps of 256 MB, 3.75 GB at least."""
    custom = _CUSTOM_TIER.fullmatch(tier)
    if custom is None:
        return tier in {"db-f1-micro", "db-g1-small"}
    cpus, memory = int(custom[1]), int(custom[2])
    fits = cpus * 0.9 * 1024 <= memory <= cpus * 6.5 * 1024 and memory >= 3840 and memory % 256 == 0
    return fits and (cpus == 1 or (cpus % 2 == 0 and cpus <= 96))


def _addressing(call: Call, wanted: Json) -> Json:
    """Checked, and with the network as Google writes it: a URL, whatever the caller wrote."""
    _check_addressing(call, wanted)
    if not wanted.get("privateNetwork"):
        return wanted
    url = f"https://www.googleapis.com/compute/v1/{relative(wanted['privateNetwork'])}"
    return {"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED", **wanted, "privateNetwork": url}


def _check_addressing(call: Call, addressing: Json) -> None:
    network = relative(addressing.get("privateNetwork", ""))
    if not network:
        if not addressing["ipv4Enabled"]:
            raise errors.invalid("At least one of Public IP, Private IP or PSC connectivity must be enabled.")
        return
    resources.need_ready(call, NETWORKS, network, "privateNetwork")
    if not connections.is_connected(call.cloud, network):
        message = (
            "Failed to create instance because the network doesn't have at least 1 private services connection. "
            "Please see https://cloud.google.com/sql/docs/mysql/private-ip#network_requirements for how to make one."
        )
        raise errors.GoogleError(400, "networkNotPeered", message)
