"""The mails about access to instances: to the customer who decides, and to whoever has asked."""

from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from portal.core.mail import queue, register
from portal.core.selectors import runners_of
from provisioning.models import Access

ASKED: Final = "access-asked"
OPENED: Final = "access-opened"
DECIDED: Final = "access-decided"


def register_mails() -> None:
    """The kinds of mail about access are known."""
    for kind in (ASKED, OPENED, DECIDED):
        register(kind)


def access_asked(access: Access) -> None:
    """Owners and admins of the instance will know who asks and why, with a link to where they answer."""
    _tell_customer(ASKED, access)


def access_opened(access: Access) -> None:
    """Owners and admins of the instance will know that a second one of us has agreed in their place, who and why."""
    _tell_customer(OPENED, access)


def access_decided(access: Access) -> None:
    """Whoever asked will know what came of it: the time that they have is running."""
    page = reverse("admin:provisioning_access_change", args=[access.pk])
    context = {**_about(access), "link": f"{settings.PORTAL_URL}{page}"}
    queue(key=f"{DECIDED}:{access.pk}", kind=DECIDED, recipient=access.asked_by.email, context=context)


def _tell_customer(kind: str, access: Access) -> None:
    page = reverse("instance_access", args=[access.instance_id])
    context = {**_about(access), "link": f"{settings.PORTAL_URL}{page}#access-{access.pk}"}
    for person in runners_of(access.instance.organization):
        queue(key=f"{kind}:{access.pk}:{person.pk}", kind=kind, recipient=person.email, context=context)


def _about(access: Access) -> dict[str, Any]:
    by = access.decided_by
    return {
        "name": access.instance.slug,
        "domain": access.instance.address,
        "who": access.asked_by.email,
        "reason": access.reason,
        "ticket": access.ticket,
        "minutes": access.minutes,
        "state": access.state,
        "decided_by": by.email if by else "",
        "decided_reason": access.decided_reason,
        "until": f"{access.ends_at:%-d %B, %H:%M} UTC" if access.ends_at else "",
    }
