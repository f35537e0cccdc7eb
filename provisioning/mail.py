"""The mails about instances and the fleet. What must not be stored is fetched when they are sent."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.core import clock
from portal.core.mail import queue, register
from portal.core.models import User
from portal.core.selectors import runners_of
from provisioning.fleet.features import CUSTOM_DOMAIN
from provisioning.models import CustomDomain, Hold, Instance, Operation, Rollout, RolloutStage
from provisioning.models.instances import PLACES
from provisioning.spec import InstanceSpec, spec_of
from provisioning.steps import names
from provisioning.steps.reaching import application_of
from provisioning.steps.secrets import store_of

INSTANCE_READY = "instance-ready"
EXPORT_READY = "export-ready"
TAKEOVER_BEGUN, TAKEOVER_ENDED = "takeover-begun", "takeover-ended"
ROLLOUT_PAUSED = "rollout-paused"
HOLDS_OVERDUE = "holds-overdue"
CUSTOM_DOMAIN_LOST = "custom-domain-lost"


def register_mails() -> None:
    """The kinds of mail about instances and the fleet are known."""
    register(INSTANCE_READY, instance_ready)
    register(EXPORT_READY)
    register(CUSTOM_DOMAIN_LOST)
    register(TAKEOVER_BEGUN)
    register(TAKEOVER_ENDED)
    register(ROLLOUT_PAUSED, lambda context: {**context, "admin_link": _address("rollout_change", context["rollout"])})
    register(HOLDS_OVERDUE, lambda context: {**context, "admin_link": _address("hold_changelist")})


def instance_ready(context: dict[str, Any]) -> dict[str, Any]:
    """Adds name, domain, url, admin_link and portal_link of the instance that is ready, and when a trial ends.

    admin_link lets the first site admin choose a password, once. Raises RuntimeError, to be tried again, while it
    cannot be had; it is empty for an instance that has been deleted meanwhile.
    """
    instance = Instance.objects.select_related("size", "release").get(pk=context["instance"])
    return {
        **context,
        "name": instance.slug,
        "domain": instance.address,
        "url": instance.url,
        "admin_link": admin_link(spec_of(instance)) if instance.deleted_at is None else "",
        "portal_link": f"{settings.PORTAL_URL}/",
        "trial_ends_at": f"{instance.trial_ends_at:%-d %B %Y}" if instance.trial_ends_at else "",
    }


def export_ready(operation: Operation, kept_until: str) -> None:
    """Whoever asked for the export will know that it can be fetched, and until when (as ISO 8601)."""
    if operation.requested_by is None:
        return
    instance = operation.instance
    context = {
        "name": instance.slug,
        "domain": instance.address,
        "until": f"{datetime.fromisoformat(kept_until):%-d %B %Y}",
        "link": f"{settings.PORTAL_URL}{reverse('instance_exports', args=[instance.pk])}",
    }
    queue(
        key=f"{EXPORT_READY}:{operation.pk}", kind=EXPORT_READY, recipient=operation.requested_by.email, context=context
    )


def custom_domain_lost(instance: Instance, domain: CustomDomain) -> None:
    """Owners and admins of the instance will know, once for each time, that the name leads to it no more."""
    page = reverse("instance_feature", args=[instance.pk, CUSTOM_DOMAIN])
    context = {
        "name": instance.slug,
        "domain": instance.domain,
        "custom_domain": domain.pk,
        "state": domain.state,
        "found": domain.found,
        "link": f"{settings.PORTAL_URL}{page}",
    }
    for person in runners_of(instance.organization):
        key = f"{CUSTOM_DOMAIN_LOST}:{domain.pk}:{clock.now():%Y%m%d%H%M%S}:{person.pk}"
        queue(key=key, kind=CUSTOM_DOMAIN_LOST, recipient=person.email, context=context)


def takeover_begun(operation: Operation) -> None:
    """Its people will know that the instance moves, from where to where, and what is lost by what was seen last."""
    _tell_runners(TAKEOVER_BEGUN, operation, _copies(operation.inputs))


def taken_over(operation: Operation, instance: Instance, *, volumes_of: str) -> None:
    """Its people will know that the instance answers again, of when its data is, and what they have to see to."""
    wanted, previous = operation.wanted, operation.previous or operation.wanted
    dropped = {each["name"] for each in previous["features"]} - {each["name"] for each in wanted["features"]}
    context = {
        **_copies({**operation.inputs, "volumes_copied_at": volumes_of}),
        "outbound_address": instance.outbound_address or "",
        "dropped": sorted(dropped),
    }
    _tell_runners(TAKEOVER_ENDED, operation, context)


def _copies(seen: Mapping[str, Any]) -> dict[str, str]:
    """How old the copies are, in words; empty where that is not known."""
    lag, moments = seen.get("lag_seconds"), {}
    for name in ("lag_seen_at", "volumes_copied_at"):
        moment = datetime.fromisoformat(seen[name]) if seen.get(name) else None
        moments[name] = f"{moment:%-d %B %Y, %H:%M} UTC" if moment else ""
    return {**moments, "lag": "" if lag is None else f"{max(1, round(lag))} s"}


def _tell_runners(kind: str, operation: Operation, context: Mapping[str, Any]) -> None:
    """Those who may run the organization's instances; the engine and the portal's own people read the audit."""
    instance, previous = operation.instance, operation.previous or operation.wanted
    places = dict(PLACES)
    told = {
        **context,
        "name": instance.slug,
        "domain": instance.address,
        "from_place": places[previous["region"]],
        "to_place": places[operation.wanted["region"]],
        "link": f"{settings.PORTAL_URL}{reverse('instance_detail', args=[instance.pk])}",
    }
    for person in runners_of(instance.organization):
        queue(key=f"{kind}:{operation.pk}:{person.email}", kind=kind, recipient=person.email, context=told)


def admin_link(spec: InstanceSpec) -> str:
    """The one-time link, made once and kept in the secret store: making it takes the generated password away.

    Empty when that password is gone already; then the mail says where to sign in, which is better than no mail.
    """
    try:
        with store_of(spec) as store:
            known = store.read(names.ADMIN_LINK)
            if known is None:
                known = _new_link(spec, store.read(names.ADMIN_PASSWORD) or "")
                if known:
                    store.write(names.ADMIN_LINK, known)
    except Exception as error:
        raise RuntimeError(f"The first site admin's link cannot be had: {type(error).__name__}.") from error
    return known


def _new_link(spec: InstanceSpec, password: str) -> str:
    with application_of(spec) as application:
        if not application.sign_in(email=spec.admin_email, password=password):
            return ""
        return application.password_link()


def rollout_paused(rollout: Rollout, stage: RolloutStage) -> None:
    """Everybody who runs the fleet will know that a gate has paused it, once for each time."""
    context = {
        "rollout": rollout.pk,
        "brings": str(rollout),
        "stage": stage.name,
        "because": rollout.paused_because,
    }
    _tell_staff(ROLLOUT_PAUSED, f"{rollout.pk}:{stage.position}:{clock.now().timestamp():.0f}", context)


def holds_overdue(holds: Iterable[Hold]) -> None:
    """Everybody who runs the fleet will know of holds that are past their day, each hold once."""
    listed = list(holds)
    lines = [
        {
            "name": hold.instance.slug,
            "organization": hold.instance.organization.name,
            "until": f"{hold.until:%F}",
            "reason": hold.reason,
            "release": str(hold.release or ""),
        }
        for hold in listed
    ]
    _tell_staff(HOLDS_OVERDUE, f"{min(hold.pk for hold in listed)}", {"holds": lines})


def _tell_staff(kind: str, cause: str, context: dict[str, Any]) -> None:
    for person in User.objects.filter(is_staff=True, is_active=True):
        queue(key=f"{kind}:{cause}:{person.pk}", kind=kind, recipient=person.email, context=context)


def _address(page: str, *keys: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(f'admin:provisioning_{page}', args=keys)}"
