"""People are told by mail what becomes of their instance, in time and once: when its trial ends, when a payment is
missing, when it is suspended, before it is deleted, when a feature is switched off.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from billing.models import Feature
from billing.terms.standing import Standing, State
from portal.core import mail
from portal.core.models import Role, User
from provisioning.fleet.final_backups import KEPT_DAYS
from provisioning.models import Instance, InstanceStatus, SuspensionNotice

TRIAL_ENDING, PAYMENT_MISSING, SUSPENDED = "trial-ending", "payment-missing", "instance-suspended"
FEATURE_ENDING, DELETION_AHEAD = "feature-ending", "deletion-ahead"
DAYS_LEFT: Final = (7, 3, 1)
WHO_DECIDES: Final = (Role.OWNER, Role.ADMIN)
WHO_PAYS: Final = (Role.OWNER, Role.BILLING)
ALL_OF_THEM: Final = (*WHO_DECIDES, Role.BILLING)
DAY: Final = timedelta(days=1)


def register() -> None:
    """The kinds of mail are known."""
    for kind in (TRIAL_ENDING, PAYMENT_MISSING, SUSPENDED, FEATURE_ENDING, DELETION_AHEAD):
        mail.register(kind)


def tell(instance: Instance, found: Standing, now: datetime) -> None:
    """Whatever its people should know by now has been said, once each; of what is past only the newest."""
    if found.state == State.TRIAL and found.until and instance.status == InstanceStatus.RUNNING:
        if days := _word_due(found.until, now):
            context = {"days": ceil((found.until - now) / DAY), "ends_at": day(found.until)}
            tell_members(TRIAL_ENDING, instance, f"{found.until:%Y%m%d}:{days}", WHO_DECIDES, context)
    elif found.state == State.GRACE and found.until:
        context = {"ends_at": day(found.until)}
        tell_members(PAYMENT_MISSING, instance, f"{found.until:%Y%m%d}", WHO_PAYS, context)
    elif instance.status == InstanceStatus.SUSPENDED and instance.suspended_at:
        notice = SuspensionNotice(instance.suspended_because)
        context = {
            "because": str(notice.label),
            "notice": notice.value,
            "kept_until": day(found.delete_at) if found.delete_at else "",
        }
        tell_members(SUSPENDED, instance, f"{instance.suspended_at:%Y%m%d%H%M%S}", ALL_OF_THEM, context)


def tell_of_deletion_ahead(instance: Instance, ends_at: datetime) -> None:
    """Its people know the day on which it is deleted, and how to keep it."""
    context = {"ends_at": day(ends_at), "kept_days": KEPT_DAYS}
    tell_members(DELETION_AHEAD, instance, f"{ends_at:%Y%m%d}", ALL_OF_THEM, context)


def tell_of_an_end(instance: Instance, feature: Feature, ends_at: datetime) -> None:
    """Its people know when a feature of theirs is switched off, and what that does."""
    link = f"{settings.PORTAL_URL}{reverse('instance_features', args=[instance.pk])}"
    context = {"feature": feature.title, "ends_at": day(ends_at), "effect": feature.effect, "portal_link": link}
    tell_members(FEATURE_ENDING, instance, f"{feature.pk}:{ends_at:%Y%m%d}", WHO_DECIDES, context)


def next_word(found: Standing, now: datetime) -> datetime | None:
    """When something is to be said next."""
    if found.state != State.TRIAL or found.until is None:
        return None
    return min((date for days in DAYS_LEFT if (date := found.until - days * DAY) > now), default=None)


def tell_members(kind: str, instance: Instance, cause: str, roles: tuple[Role, ...], more: dict[str, Any]) -> None:
    """Its people in those roles will know of it, once for each cause."""
    context = {
        "name": instance.slug,
        "domain": instance.address,
        "portal_link": f"{settings.PORTAL_URL}{reverse('instance_detail', args=[instance.pk])}",
        **more,
    }
    members = User.objects.filter(
        is_active=True, memberships__organization=instance.organization_id, memberships__role__in=roles
    )
    for person in members.distinct():
        key = f"{kind}:{instance.pk}:{cause}:{person.pk}"
        mail.queue(key=key, kind=kind, recipient=person.email, context=context)


def day(moment: datetime) -> str:
    """As mails say it, such as 24 December 2026."""
    return f"{moment:%-d %B %Y}"


def _word_due(ends_at: datetime, now: datetime) -> int | None:
    """The fewest of DAYS_LEFT that have begun; None before all of them."""
    return min((days for days in DAYS_LEFT if now >= ends_at - days * DAY), default=None)
