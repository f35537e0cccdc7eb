"""People are told by mail what becomes of a trial that they wait for, and how much longer one goes on."""

from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from billing.models import TrialExtension, TrialRequest
from billing.selectors.trials import Waiting
from billing.services.telling import WHO_DECIDES, day, tell_members
from portal.core import mail
from provisioning.services.names import domain_of

EXTENDED, WAITING, NAME_TAKEN, REFUSED = "trial-extended", "trial-waiting", "trial-name-taken", "trial-refused"
KINDS: Final = (EXTENDED, WAITING, NAME_TAKEN, REFUSED)


def register() -> None:
    """The kinds of mail are known."""
    for kind in KINDS:
        mail.register(kind)


def tell_of_extension(extension: TrialExtension, *, is_back: bool) -> None:
    """Who runs the trial will know until when it goes on, and whether it comes back for that."""
    more = {"ends_at": day(extension.until), "days": extension.days, "is_back": is_back}
    tell_members(EXTENDED, extension.instance, f"{extension.pk}", WHO_DECIDES, more)


def tell_of_place(place: Waiting) -> None:
    """Who asked will know that the organization waits."""
    _queue(WAITING, place.request, "", {"position": place.position})


def tell_of_taken_name(request: TrialRequest) -> None:
    """Who asked will know that its turn has come and its name is gone, once for each name."""
    _queue(NAME_TAKEN, request, request.slug, {"note": request.note})


def tell_of_refusal(request: TrialRequest) -> None:
    """Who asked will know that no trial comes of it."""
    _queue(REFUSED, request, "", {"note": request.note})


def _queue(kind: str, request: TrialRequest, cause: str, more: dict[str, Any]) -> None:
    context = {
        "name": request.slug,
        "domain": domain_of(request.slug),
        "organization": request.organization.name,
        "portal_link": f"{settings.PORTAL_URL}{reverse('instance_list')}",
        **more,
    }
    key = f"{kind}:{request.pk}:{cause}"
    mail.queue(key=key, kind=kind, recipient=request.requested_by.email, context=context)
