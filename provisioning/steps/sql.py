"""Cloud SQL: the database server, what is in it, and who may use it. It takes one change at a time."""

import re
from abc import abstractmethod
from collections.abc import Iterable
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
from provisioning.fleet.architectures import architecture_of
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences, refuse_fixed
from provisioning.steps.google import GoogleAction, changed
from provisioning.steps.sql_bodies import server_body

DEEDS = {
    "CREATE": "make it",
    "CREATE_REPLICA": "copy it",
    "PROMOTE_REPLICA": "promote it",
    "UPDATE": "change it",
    "DELETE": "delete it",
    "CREATE_DATABASE": "make a database",
    "CREATE_USER": "make the account",
}
PRIVATE_NETWORK = "settings.ipConfiguration.privateNetwork"  # it can be given, and never be taken away again
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
    "settings.ipConfiguration.sslMode",
    "settings.ipConfiguration.authorizedNetworks",
    PRIVATE_NETWORK,
    "settings.backupConfiguration",
)
COMING = {"PENDING_CREATE", "MAINTENANCE", "ONLINE_MAINTENANCE", "REPAIRING"}


class SqlAction(GoogleAction):
    """Base of what needs the database server to be free."""

    def see(self, context: Context) -> Seen:
        if running := next((o for o in operations_of(context.spec) if not is_done(o)), None):
            return UnderWay(f"Cloud SQL to {word_of(running)}", seconds(20))
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
            return Differs(f"it is {state.lower()}: {last_failure(context.spec)}")
        if changes := self.changes(context, found):
            return Differs.in_settings(changes)
        return AsWanted({"host": _host(context.spec, found), "instance": found["name"]})

    def create(self, context: Context) -> str:
        """Makes it, or changes its settings; a smaller or larger tier restarts it.

        Raises Refused for one that came to nothing: its name cannot be used again for a week.
        """
        try:
            found = self._found(context)
        except NotFound:
            execute(_sql().instances().insert(project=context.spec.id, body=server_body(context.spec)))
            return "asked for the database server"
        if found["state"] == "FAILED":
            why = last_failure(context.spec)
            raise Refused(f"The database server failed: {why}", "Tear the instance down, create another.")
        if found["state"] == "SUSPENDED":
            raise Refused("Google has suspended the database server.", "See to the project's billing, then retry.")
        return self._change(context, found)

    def remove(self, context: Context) -> str:
        settings = self._found(context)["settings"]
        if settings.get("deletionProtectionEnabled"):
            unprotected = {"deletionProtectionEnabled": False, "settingsVersion": settings["settingsVersion"]}
            execute(_sql().instances().patch(**place(context), body={"settings": unprotected}))
            return "switched its deletion protection off"
        execute(_sql().instances().delete(**place(context)))
        return "asked for its deletion"

    def resource(self, context: Context) -> str:
        return _resource(context)

    def changes(self, context: Context, found: dict[str, Any]) -> list[Change]:
        """The settings that are not as wanted.

        A larger disk than wanted is as wanted: it grows by itself with what is in it, and never shrinks.
        """
        wanted = server_body(context.spec)
        grown = max(context.spec.size.sql_disk_gb, int(found["settings"].get("dataDiskSizeGb", 0)))
        wanted["settings"]["dataDiskSizeGb"] = str(grown)
        return differences(wanted, found)

    def _found(self, context: Context) -> dict[str, Any]:
        return server_of(context.spec)

    def _change(self, context: Context, found: dict[str, Any]) -> str:
        """All changes in one patch, which is refused if somebody changed the settings since they were read."""
        changes = self.changes(context, found)
        if not changes:
            return "found it as wanted"
        what_to_do = "Restore a backup into a server made as wanted, or put it right by hand; then retry the step."
        refuse_fixed("The database server", changes, CHANGEABLE, what_to_do)
        wanted = server_body(context.spec)["settings"]
        settings = named_in(changes, wanted) | {"settingsVersion": found["settings"]["settingsVersion"]}
        request = _sql().instances().patch(**place(context), body={"settings": settings})
        return changed(context, request, changes, lambda name: operation_of(context, name))


class PrivateAddress(DatabaseServer):
    """Private address of the database server

    It comes beside the public one, which stays for as long as something may use it. Cloud SQL never takes it back.
    """

    def changes(self, context: Context, found: dict[str, Any]) -> list[Change]:
        return [change for change in super().changes(context, found) if change.path == PRIVATE_NETWORK]


class Databases(SqlAction):
    """Databases

    A stopped server does not tell what is in it; nobody can change that there, either.
    """

    def see_idle(self, context: Context) -> Seen:
        if context.spec.is_suspended:
            return AsWanted()
        missing = self._missing(context)
        if len(missing) == len(names.DATABASES):
            return Missing("sqladmin.googleapis.com lists none of them")
        changes = tuple(Change(f"databases[{name}]", {"name": name}, None) for name in missing)
        return Differs(f"not there: {', '.join(missing)}", changes) if missing else AsWanted()

    def create(self, context: Context) -> str:
        name = next(iter(self._missing(context)), None)
        if name is None:
            return "found all databases made"
        execute(_sql().databases().insert(**place(context), body={"name": name, "charset": "UTF8"}))
        return f"asked for the database {name}"

    def resource(self, context: Context) -> str:
        return f"{_resource(context)}/databases"

    def _missing(self, context: Context) -> list[str]:
        there = {database["name"] for database in execute(_sql().databases().list(**place(context))).get("items", ())}
        return [name for name in names.DATABASES.values() if name not in there]


class DatabaseUser(SqlAction):
    """Database account

    Of a stopped server it is as untold as its databases.
    """

    def see_idle(self, context: Context) -> Seen:
        if context.spec.is_suspended:
            return AsWanted()
        users = {user["name"] for user in execute(_sql().users().list(**place(context))).get("items", ())}
        is_there = names.DATABASE_USER in users
        return AsWanted() if is_there else Missing(f"sqladmin.googleapis.com lists no account {names.DATABASE_USER}")

    def create(self, context: Context) -> str:
        password = GoogleSecrets(context.spec.id, context.spec.labels).read(names.DATABASE_PASSWORD)
        if password is None:
            raise NotYet("the generated password to be readable")
        execute(_sql().users().insert(**place(context), body={"name": names.DATABASE_USER, "password": password}))
        return "asked for the database account"

    def resource(self, context: Context) -> str:
        return f"{_resource(context)}/users/{names.DATABASE_USER}"


def _sql() -> Any:
    return api("sqladmin", "v1")


def private_address(context: Context) -> str:
    """Where the server is found in the network, for who goes back: then no step has put that out."""
    return _private_address(execute(_sql().instances().get(**place(context))))


def server_of(spec: InstanceSpec) -> dict[str, Any]:
    """The database server as Cloud SQL tells of it. Raises NotFound."""
    return execute(_sql().instances().get(project=spec.id, instance=names.sql_instance(spec)))


def place(context: Context) -> dict[str, str]:
    """Which server is meant, as the API's parameters say it."""
    return {"project": context.spec.id, "instance": names.sql_instance(context.spec)}


def _resource(context: Context) -> str:
    return names.project_resource(context.spec, "sqladmin", f"instances/{names.sql_instance(context.spec)}")


def operation_of(context: Context, name: str) -> Any:
    """What reads one of its operations."""
    return _sql().operations().get(project=context.spec.id, operation=name)


def operations_of(spec: InstanceSpec, instance: str = "") -> list[Operation]:
    """Those on its database server, or on that one; oldest first."""
    answer = execute(_sql().operations().list(project=spec.id, instance=instance or names.sql_instance(spec)))
    return sorted(answer.get("items", ()), key=lambda operation: str(operation.get("insertTime", "")))


def word_of(operation: Operation) -> str:
    """Their word for what they do, as ours."""
    return DEEDS.get(str(operation.get("operationType")), "finish another change")


def last_failure(spec: InstanceSpec, instance: str = "") -> str:
    """Why its database server, or that one, could not be made or changed, in Google's words."""
    failures = [failure for operation in operations_of(spec, instance) if (failure := failure_of(operation))]
    return str(failures[-1]) if failures else "Google gives no reason."


def named_in(changes: Iterable[Change], settings: dict[str, Any]) -> dict[str, Any]:
    """Of the settings the outermost that are named; of the addresses, which go one by one, only what is."""
    paths = [change.path.split(".") for change in changes]
    named = {path[1]: settings[path[1]] for path in paths}
    addressing = {re.split(r"[\[.]", path[2])[0] for path in paths if path[1] == "ipConfiguration"}
    if addressing:
        named["ipConfiguration"] = {name: settings["ipConfiguration"][name] for name in addressing}
    return named


def _host(spec: InstanceSpec, found: dict[str, Any]) -> str:
    """Where the application finds it: at its private address, or else behind its proxy."""
    return _private_address(found) if architecture_of(spec.architecture).private_database else names.DATABASE_PROXY


def _private_address(found: dict[str, Any]) -> str:
    private = [address["ipAddress"] for address in found.get("ipAddresses", ()) if address["type"] == "PRIVATE"]
    if not private:
        raise NotYet("the database server to get its private address")
    return str(private[0])
