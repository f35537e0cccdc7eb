"""The standby of the databases: a read replica in the other region, which takes over when this one is lost."""

import re
from typing import Any, Final

from provisioning.clients.google import NotFound, api, execute
from provisioning.clients.google.operations import is_done
from provisioning.engine.action import AsWanted, Change, Context, Differs, Refused, Seen, UnderWay, seconds
from provisioning.fleet.features import STANDBY
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.differences import differences, refuse_fixed
from provisioning.steps.google import GoogleAction, changed
from provisioning.steps.parts import PartOfFeature
from provisioning.steps.sql import (
    CHANGEABLE,
    COMING,
    last_failure,
    named_in,
    operation_of,
    operations_of,
    server_of,
    word_of,
)
from provisioning.steps.sql_bodies import standby_body

REPLICA: Final = "READ_REPLICA_INSTANCE"
DISK: Final = "dataDiskSizeGb"
_TIER: Final = re.compile(r"db-custom-(\d+)-(\d+)")


class StandbyDatabase(GoogleAction):
    """Standby of the databases

    It holds nothing of its own: one that came to nothing is removed and made anew.
    """

    def keeps_larger(self, context: Context) -> bool:  # noqa: ARG002 - for those that come before or after the primary
        """Whether a larger machine than wanted is left as it is for now."""
        return False

    def see(self, context: Context) -> Seen:
        spec, name = context.spec, names.standby_instance(context.spec)
        if running := next((o for o in operations_of(spec, name) if not is_done(o)), None):
            return UnderWay(f"Cloud SQL to {word_of(running)}", seconds(30))
        found = standby_of(spec)
        if not names.is_ours(found["settings"].get("userLabels"), spec):
            raise Refused(f"There is a server {name} without our labels.", "Find out who made it; then retry.")
        if found["state"] in {*COMING, "PENDING_DELETE"}:
            return UnderWay(f"the standby, which is {found['state'].lower().replace('_', ' ')}", seconds(30))
        if found["state"] != "RUNNABLE":
            return Differs(f"it is {found['state'].lower()}: {last_failure(spec, name)}")
        changes = self._changes(context, found)
        return Differs.in_settings(changes) if changes else AsWanted({"standby": name})

    def create(self, context: Context) -> str:
        """Makes it, on a disk as large as its primary's; or changes its settings."""
        spec = context.spec
        try:
            found = standby_of(spec)
        except NotFound:
            body = standby_body(spec)
            body["settings"][DISK] = str(max(spec.size.sql_disk_gb, _disk(server_of(spec))))
            execute(_instances().insert(project=spec.id, body=body))
            return "asked for the standby of the databases"
        if found["state"] != "RUNNABLE":
            return self.remove(context)
        changes = self._changes(context, found)
        if not changes:
            return "found it as wanted"
        what_to_do = f"Delete {found['name']} by hand, then retry the step: it is made anew."
        refuse_fixed("The standby", changes, CHANGEABLE, what_to_do)
        settings = named_in(changes, self._wanted(context, found)["settings"])
        body = {"settings": settings | {"settingsVersion": found["settings"]["settingsVersion"]}}
        request = _instances().patch(**_place(spec), body=body)
        return changed(context, request, changes, lambda name: operation_of(context, name))

    def remove(self, context: Context) -> str:
        settings = standby_of(context.spec)["settings"]
        if settings.get("deletionProtectionEnabled"):
            unprotected = {"deletionProtectionEnabled": False, "settingsVersion": settings["settingsVersion"]}
            execute(_instances().patch(**_place(context.spec), body={"settings": unprotected}))
            return "switched the standby's deletion protection off"
        execute(_instances().delete(**_place(context.spec)))
        return "asked for the deletion of the standby"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "sqladmin", f"instances/{names.standby_instance(context.spec)}")

    def _changes(self, context: Context, found: dict[str, Any]) -> list[Change]:
        """Whom it follows, Google writes with the project in front."""
        follows = str(found.get("masterInstanceName", "")).rpartition(":")[2]
        return differences(self._wanted(context, found), {**found, "masterInstanceName": follows})

    def _wanted(self, context: Context, found: dict[str, Any]) -> dict[str, Any]:
        """Its disk grows with its primary's, and never shrinks."""
        wanted = standby_body(context.spec)
        settings, tier = wanted["settings"], found["settings"]["tier"]
        settings[DISK] = str(max(context.spec.size.sql_disk_gb, _disk(found)))
        if self.keeps_larger(context) and _weight(tier) > _weight(settings["tier"]):
            settings["tier"] = tier
        return wanted


class PartOfStandby(PartOfFeature):
    """Mixed in before an action in the other region: where that is lost, nothing is done there."""

    part = STANDBY

    def look(self, context: Context) -> Seen:
        return AsWanted() if context.spec.lost_region else super().look(context)


class StandbyOfFeature(PartOfStandby, StandbyDatabase):
    """Standby of the databases

    Of a suspended instance there is none: a server that is followed cannot be stopped, nor can one that follows.
    """

    def _is_as_ever(self, context: Context) -> bool:
        goes_back = context.is_going_back and not self._reverts
        return goes_back or wants_standby(context.spec)


class GrownStandby(StandbyOfFeature):
    """Standby of the databases, grown first

    PostgreSQL follows nobody who has more memory. Going forward it never shrinks here; going back, only here.
    """

    def keeps_larger(self, context: Context) -> bool:
        return not context.is_going_back


class ShrunkStandby(StandbyOfFeature):
    """Standby of the databases, after its primary"""

    def keeps_larger(self, context: Context) -> bool:
        return context.is_going_back


class NoStandby(StandbyDatabase):
    """No standby meanwhile

    Cloud SQL restores nothing into a server that is followed.
    """

    def look(self, context: Context) -> Seen:
        seen = super().look(context)
        if isinstance(seen, UnderWay):
            return seen
        return Differs("it follows") if isinstance(seen, AsWanted | Differs) else AsWanted()

    def make(self, context: Context) -> str:
        return self.drop(context)


def wants_standby(spec: InstanceSpec) -> bool:
    """Whether it is to have one."""
    return spec.has_part(STANDBY) and not spec.is_suspended


def standby_of(spec: InstanceSpec) -> dict[str, Any]:
    """The server that follows, as Cloud SQL tells of it. Raises NotFound."""
    return execute(_instances().get(**_place(spec)))


def _instances() -> Any:
    return api("sqladmin", "v1").instances()


def _place(spec: InstanceSpec) -> dict[str, str]:
    return {"project": spec.id, "instance": names.standby_instance(spec)}


def _disk(server: dict[str, Any]) -> int:
    return int(server["settings"].get(DISK, 0))


def _weight(tier: str) -> tuple[int, int]:
    """By memory, then by cores: what a server that follows must not have less of."""
    found = _TIER.fullmatch(tier)
    return (int(found[2]), int(found[1])) if found else (0, 0)
