"""Cloud SQL: the database server, what is in it, and who may use it. It takes one change at a time."""

from typing import Any

from provisioning.clients.google import api, execute
from provisioning.clients.google.operations import Operation, failure_of, is_done
from provisioning.clients.secrets import GoogleSecrets
from provisioning.engine.action import AsWanted, Context, Differs, NotYet, Refused, Seen, UnderWay, seconds
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

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
COMING = {"PENDING_CREATE", "MAINTENANCE", "ONLINE_MAINTENANCE", "REPAIRING"}


class SqlAction(GoogleAction):
    """Base of what needs the database server to be free."""

    def see(self, context: Context) -> Seen:
        if running := next((o for o in _operations(context.spec) if not is_done(o)), None):
            return UnderWay(f"Cloud SQL to {_word(running)}", seconds(20))
        return self.see_idle(context)

    def see_idle(self, context: Context) -> Seen:
        raise NotImplementedError


class DatabaseServer(SqlAction):
    """Database server"""

    def see_idle(self, context: Context) -> Seen:
        found = execute(_sql().instances().get(project=context.spec.id, instance=names.sql_instance(context.spec)))
        if not names.is_ours(found["settings"].get("userLabels"), context.spec):
            raise Refused("There is a database server without our labels.", "Find out who made it; then retry.")
        state = found["state"]
        if state in COMING:
            return UnderWay(f"the database server, which is {state.lower().replace('_', ' ')}", seconds(20))
        if state == "PENDING_DELETE":
            return UnderWay("the database server to be gone", seconds(20))
        if state != "RUNNABLE":
            return Differs(f"it is {state.lower()}: {_last_failure(context.spec)}")
        return AsWanted({"host": _private_address(found), "instance": found["name"]})

    def create(self, context: Context) -> str:
        """Raises Refused for a server that came to nothing: its name cannot be used again for a week."""
        if isinstance(seen := self.look(context), Differs):
            raise Refused(f"The database server failed: {seen.difference}", "Tear the instance down, create another.")
        execute(_sql().instances().insert(project=context.spec.id, body=_body(context.spec)))
        return "asked for the database server"

    def remove(self, context: Context) -> str:
        place = {"project": context.spec.id, "instance": names.sql_instance(context.spec)}
        settings = execute(_sql().instances().get(**place))["settings"]
        if settings.get("deletionProtectionEnabled"):
            unprotected = {"deletionProtectionEnabled": False, "settingsVersion": settings["settingsVersion"]}
            execute(_sql().instances().patch(**place, body={"settings": unprotected}))
            return "switched its deletion protection off"
        execute(_sql().instances().delete(**place))
        return "asked for its deletion"


class Databases(SqlAction):
    """Databases"""

    def see_idle(self, context: Context) -> Seen:
        missing = self._missing(context)
        return Differs(f"not there: {', '.join(missing)}") if missing else AsWanted()

    def create(self, context: Context) -> str:
        name = next(iter(self._missing(context)), None)
        if name is None:
            return "found all databases made"
        place = {"project": context.spec.id, "instance": names.sql_instance(context.spec)}
        execute(_sql().databases().insert(**place, body={"name": name, "charset": "UTF8"}))
        return f"asked for the database {name}"

    def _missing(self, context: Context) -> list[str]:
        place = {"project": context.spec.id, "instance": names.sql_instance(context.spec)}
        there = {database["name"] for database in execute(_sql().databases().list(**place)).get("items", ())}
        return [name for name in names.DATABASES.values() if name not in there]


class DatabaseUser(SqlAction):
    """Database account"""

    def see_idle(self, context: Context) -> Seen:
        place = {"project": context.spec.id, "instance": names.sql_instance(context.spec)}
        users = {user["name"] for user in execute(_sql().users().list(**place)).get("items", ())}
        return AsWanted() if names.DATABASE_USER in users else Differs("no such account")

    def create(self, context: Context) -> str:
        password = GoogleSecrets(context.spec.id, context.spec.labels).read(names.DATABASE_PASSWORD)
        if password is None:
            raise NotYet("the generated password to be readable")
        place = {"project": context.spec.id, "instance": names.sql_instance(context.spec)}
        execute(_sql().users().insert(**place, body={"name": names.DATABASE_USER, "password": password}))
        return "asked for the database account"


def _sql() -> Any:
    return api("sqladmin", "v1")


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
