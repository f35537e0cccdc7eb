"""An access, and what it takes to ask for one."""

from portal.core.audit import Actor
from provisioning.models import Access, Instance
from provisioning.services.access import access_ask

WISH = {"reason": "Search is slow.", "ticket": "SUP-7", "minutes": 60}


def asked(instance: Instance, actor: Actor, **wish) -> Access:
    return access_ask(instance=instance, actor=actor, **{**WISH, **wish})
