from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from billing.models import Upkeep
from billing.selectors.standings import unpaid_of
from portal.core.models import Membership, User
from portal.core.selectors import membership_of
from portal.web.access import PAYERS


def site(request: HttpRequest) -> dict[str, object]:
    """What every page may show. The membership is only read by pages that show it."""
    return {
        "is_demo": settings.DEMO,
        "demo_mail_url": f"{settings.INSTANCE_GATEWAY}/mail/" if settings.DEMO else "",
        "membership": SimpleLazyObject(lambda: _membership(request)),
        "payment_notice": SimpleLazyObject(lambda: _payment_notice(request)),
        "theme": _theme(request),
        "trial_days": settings.TRIAL_DAYS,
    }


def _payment_notice(request: HttpRequest) -> Upkeep | None:
    """The instance whose payment is missing for longest, for whoever may pay for it. One query."""
    membership = _membership(request)
    if membership is None or membership.role not in PAYERS:
        return None
    return unpaid_of(membership.organization)


def _theme(request: HttpRequest) -> str:
    """What the person chose with the switch; empty: what their system prefers."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in {"light", "dark"} else ""


def _membership(request: HttpRequest) -> Membership | None:
    known: Membership | None = getattr(request, "membership", None)
    if known is None and isinstance(request.user, User):
        return membership_of(request.user)
    return known
