"""The application as people meet it: whether it answers, and its first site admin."""

from provisioning.clients.application import NoAnswer
from provisioning.engine.action import Action, AsWanted, Context, Missing, Refused, Seen, UnderWay
from provisioning.steps import names
from provisioning.steps.reaching import application_of
from provisioning.steps.secrets import read_secret, store_of

ADMIN_NAME = "admin"


class Health(Action):
    """Health check from outside

    A suspended instance is not to answer.
    """

    def look(self, context: Context) -> Seen:
        if context.spec.is_suspended:
            return AsWanted()
        with application_of(context.spec) as application:
            try:
                application.check_health()
                version = application.version()
            except NoAnswer as error:
                return UnderWay(f"{context.spec.domain} to answer. {error}")
        if version != context.spec.app_version:
            return UnderWay(f"version {context.spec.app_version} to answer; it is {version or 'an unknown one'}")
        return AsWanted({"version": version})


class SiteAdmin(Action):
    """First administrator"""

    def look(self, context: Context) -> Seen:
        with application_of(context.spec) as application:
            is_there = application.sign_in(email=context.spec.admin_email, password=_password(context))
        return AsWanted({"username": ADMIN_NAME}) if is_there else Missing()

    def make(self, context: Context) -> str:
        """Raises Refused when somebody else was the first, or has changed the password since."""
        with application_of(context.spec) as application:
            email, password = context.spec.admin_email, _password(context)
            is_made = application.create_site_admin(email=email, username=ADMIN_NAME, password=password)
            is_there = is_made or application.sign_in(email=email, password=password)
        if not is_there:
            raise Refused(
                "The application has a site admin already, who does not have the password that we generated.",
                "If it is the customer, skip the step.",
            )
        return "made the first administrator"


def _password(context: Context) -> str:
    with store_of(context.spec) as store:
        return read_secret(store, names.ADMIN_PASSWORD)
