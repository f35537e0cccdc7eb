"""Cloud SQL: the database server, what is in it, and who may use it. It takes one change at a time."""

from abc import abstractmethod
from typing import Any

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.operations import Operation, failure_of, is_done
from provisioning.clients.secrets import GoogleSecrets
from provisioning.engine.action import (
    AsWanted,
    Change,
    Context,
    Differs,
    Missing,
    NotYet,
    Refused,
    Seen,
    UnderWay,
    seconds,
)
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences, refuse_fixed
from provisioning.steps.google import GoogleAction, changed

VERSION = "POSTGRES_16"
BACKUP_HOUR = "03:00"
KEPT_BACKUPS = 7
DEEDS = {
    "CREATE": "make it",
    "UPDATE": "change it",
    "DELETE": "delete it",
    "CREATE_DATABASE": "make a database",
    "CREATE_USER": "make the account",
}
# Of what we set, what a patch changes; the rest is decided when a server is made. No disk ever shrinks.
CHANGEABLE = (
    "settings.tier",
    "settings.edition",
    "settings.availabilityType",
    "settings.activationPolicy",
    "settings.dataDiskSizeGb",
    "settings.storageAutoResize",
    "settings.deletionProtectionEnabled",
    "settings.userLabels",
    "settings.ipConfiguration.ipv4Enabled",
    "settings.backupConfiguration",
)
COMING = {"PENDING_CREATE", "MAINTENANCE", "ONLINE_MAINTENANCE", "REPAIRING"}


class SqlAction(GoogleAction):
    """Base of what needs the database server to be free."""

    def see(self, context: Context) -> Seen:
        if running := next((o for o in _operations(context.spec) if not is_done(o)), None):
            return UnderWay(f"Cloud SQL to {_word(running)}", seconds(20))
        return self.see_idle(context)

    @abstractmethod
    def see_idle(self, context: Context) -> Seen:
        """As `see`, when nothing is being changed."""


class DatabaseServer(SqlAction):
    """Database server"""

    def see_idle(self, context: Context) -> Seen:
        found = self._found(context)
        if not names.is_ours(found["settings"].get("userLabels"), context.spec):
            raise Refused("There is a database server without our labels.", "Find out who made it; then retry.")
        state = found["state"]
        if state in COMING:
            return UnderWay(f"the database server, which is {state.lower().replace('_', ' ')}", seconds(20))
        if state == "PENDING_DELETE":
            return UnderWay("the database server to be gone", seconds(20))
        if state != "RUNNABLE":
            return Differs(f"it is {state.lower()}: {_last_failure(context.spec)}")
        if changes := _changes(context.spec, found):
            return Differs.in_settings(changes)
        return AsWanted({"host": _private_address(found), "instance": found["name"]})

    def create(self, context: Context) -> str:
        """Makes it, or changes its settings; a smaller or larger tier restarts it.

        Raises Refused for one that came to nothing: its name cannot be used again for a week.
        """
        try:
            found = self._found(context)
        except NotFound:
            execute(_sql().instances().insert(project=context.spec.id, body=_body(context.spec)))
            return "asked for the database server"
        if found["state"] == "FAILED":
            why = _last_failure(context.spec)
            raise Refused(f"The database server failed: {why}", "Tear the instance down, create another.")
        if found["state"] == "SUSPENDED":
            raise Refused("Google has suspended the database server.", "See to the project's billing, then retry.")
        return self._change(context, found)

    def remove(self, context: Context) -> str:
        settings = self._found(context)["settings"]
        if settings.get("deletionProtectionEnabled"):
            unprotected = {"deletionProtectionEnabled": False, "settingsVersion": settings["settingsVersion"]}
            execute(_sql().instances().patch(**_place(context), body={"settings": unprotected}))
            return "switched its deletion protection off"
        execute(_sql().instances().delete(**_place(context)))
        return "asked for its deletion"

    def resource(self, context: Context) -> str:
        return _resource(context)

    def _found(self, context: Context) -> dict[str, Any]:
        return execute(_sql().instances().get(**_place(context)))

    def _change(self, context: Context, found: dict[str, Any]) -> str:
        """All changes in one patch, which is refused if somebody changed the settings since they were read."""
        changes = _changes(context.spec, found)
        if not changes:
            return "found it as wanted"
        what_to_do = "Restore a backup into a server made as wanted, or put it right by hand; then retry the step."
        refuse_fixed("The database server", changes, CHANGEABLE, what_to_do)
        wanted = _body(context.spec)["settings"]
        named = dict.fromkeys(change.path.split(".")[1] for change in changes)
        settings = {name: wanted[name] for name in named} | {"settingsVersion": found["settings"]["settingsVersion"]}
        request = _sql().instances().patch(**_place(context), body={"settings": settings})
        return changed(context, request, changes, lambda name: _operation(context, name))


class Databases(SqlAction):
    """Databases"""

    def see_idle(self, context: Context) -> Seen:
        missing = self._missing(context)
        if len(missing) == len(names.DATABASES):
            return Missing("sqladmin.googleapis.com lists none of them")
        changes = tuple(Change(f"databases[{name}]", {"name": name}, None) for name in missing)
        return Differs(f"not there: {', '.join(missing)}", changes) if missing else AsWanted()

    def create(self, context: Context) -> str:
        name = next(iter(self._missing(context)), None)
        if name is None:
            return "found all databases made"
        execute(_sql().databases().insert(**_place(context), body={"name": name, "charset": "UTF8"}))
        return f"asked for the database {name}"

    def resource(self, context: Context) -> str:
        return f"{_resource(context)}/databases"

    def _missing(self, context: Context) -> list[str]:
        there = {database["name"] for database in execute(_sql().databases().list(**_place(context))).get("items", ())}
        return [name for name in names.DATABASES.values() if name not in there]


class DatabaseUser(SqlAction):
    """Database account"""

    def see_idle(self, context: Context) -> Seen:
        users = {user["name"] for user in execute(_sql().users().list(**_place(context))).get("items", ())}
        is_there = names.DATABASE_USER in users
        return AsWanted() if is_there else Missing(f"sqladmin.googleapis.com lists no account {names.DATABASE_USER}")

    def create(self, context: Context) -> str:
        password = GoogleSecrets(context.spec.id, context.spec.labels).read(names.DATABASE_PASSWORD)
        if password is None:
            raise NotYet("the generated password to be readable")
        execute(_sql().users().insert(**_place(context), body={"name": names.DATABASE_USER, "password": password}))
        return "asked for the database account"

    def resource(self, context: Context) -> str:
        return f"{_resource(context)}/users/{names.DATABASE_USER}"


def _sql() -> Any:
    return api("sqladmin", "v1")


def _place(context: Context) -> dict[str, str]:
    return {"project": context.spec.id, "instance": names.sql_instance(context.spec)}


def _resource(context: Context) -> str:
    return names.project_resource(context.spec, "sqladmin", f"instances/{names.sql_instance(context.spec)}")


def _operation(context: Context, name: str) -> Any:
    return _sql().operations().get(project=context.spec.id, operation=name)


def _operations(spec: InstanceSpec) -> list[Operation]:
    """Oldest first."""
    answer = execute(_sql().operations().list(project=spec.id, instance=names.sql_instance(spec)))
    return sorted(answer.get("items", ()), key=lambda operation: str(operation.get("insertTime", "")))


def _word(operation: Operation) -> str:
    """Their word for what they do, as ours."""
    return DEEDS.get(str(operation.get("operationType")), "finish another change")


def _last_failure(spec: InstanceSpec) -> str:
    failures = [failure for operation in _operations(spec) if (failure := failure_of(operation))]
    return str(failures[-1]) if failures else "Google gives no reason."


def _changes(spec: InstanceSpec, found: dict[str, Any]) -> list[Change]:
    """A larger disk than wanted is as wanted: it grows by itself with what is in it, and never shrinks."""
    wanted = _body(spec)
    grown = max(spec.size.sql_disk_gb, int(found["settings"].get("dataDiskSizeGb", 0)))
    wanted["settings"]["dataDiskSizeGb"] = str(grown)
    return differences(wanted, found)


def _private_address(found: dict[str, Any]) -> str:
    private = [address["ipAddress"] for address in found.get("ipAddresses", ()) if address["type"] == "PRIVATE"]
    if not private:
        raise NotYet("the database server to get its private address")
    return str(private[0])


def _body(spec: InstanceSpec) -> dict[str, Any]:
    size = spec.size
    return {
        "name": names.sql_instance(spec),
        "region": spec.region,
        "databaseVersion": VERSION,
        "settings": {
            "tier": size.sql_tier,
            "edition": "ENTERPRISE",
            "activationPolicy": "ALWAYS",
            "availabilityType": "REGIONAL" if size.sql_is_highly_available else "ZONAL",
            "dataDiskType": "PD_SSD",
            "dataDiskSizeGb": str(size.sql_disk_gb),
            "storageAutoResize": True,
            "deletionProtectionEnabled": True,
            "userLabels": spec.labels,
            "ipConfiguration": {"ipv4Enabled": False, "privateNetwork": names.network_path(spec.id)},
            "backupConfiguration": {
                "enabled": True,
                "startTime": BACKUP_HOUR,
                "pointInTimeRecoveryEnabled": True,
                "backupRetentionSettings": {"retainedBackups": KEPT_BACKUPS, "retentionUnit": "COUNT"},
            },
        },
    }
