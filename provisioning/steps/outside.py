"""The instance as the outside sees it: how it answers before a change, and whether it keeps answering after one."""

from typing import Final

from provisioning.clients.application import NoAnswer
from provisioning.engine.action import Action, AsWanted, Context, Differs, Seen, UnderWay, seconds
from provisioning.models import Kind, Tenancy
from provisioning.steps.google import GoogleAction
from provisioning.steps.monitoring import Monitoring, has_uptime_check
from provisioning.steps.reaching import application_of

IN_A_ROW: Final = 3


class Glance(Action):
    """Glance before the change

    Nothing is demanded: what does not answer may need this very change.
    """

    def look(self, context: Context) -> Seen:
        with application_of(context.previous or context.spec) as application:
            try:
                application.check_health()
                return AsWanted({"version": application.version()})
            except NoAnswer as error:
                return AsWanted({"no_answer": str(error)})


class Uptime(GoogleAction):
    """Uptime

    It answers several times in a row, each over a connection of its own, and in Google somebody goes on watching.
    """

    def see(self, context: Context) -> Seen:
        if _is_watched(context) and not has_uptime_check(context):
            return Differs("there is no uptime check")
        for count in range(IN_A_ROW):
            with application_of(context.spec) as application:
                try:
                    application.check_health()
                except NoAnswer as error:
                    why = f"{context.spec.domain} to answer {IN_A_ROW} times in a row; it did {count} times. {error}"
                    return UnderWay(why, seconds(5))
        return AsWanted({"answers": IN_A_ROW})

    def create(self, context: Context) -> str:
        return Monitoring().create(context)


def _is_watched(context: Context) -> bool:
    """Nobody is to be woken for what lives for some hours."""
    return context.spec.tenancy == Tenancy.DEDICATED and context.spec.kind != Kind.REHEARSAL
