"""The mails about instances. What must not be stored is fetched when they are sent."""

from typing import Any

from django.conf import settings

from portal.core.mail import register
from provisioning.clients.application import Application
from provisioning.models import Instance
from provisioning.spec import InstanceSpec, spec_of
from provisioning.steps import names
from provisioning.steps.secrets import store_of

INSTANCE_READY = "instance-ready"


def register_mails() -> None:
    """The kinds of mail about instances are known."""
    register(INSTANCE_READY, instance_ready)


def instance_ready(context: dict[str, Any]) -> dict[str, Any]:
    """Adds name, domain, url, admin_link and portal_link of the instance that is ready.

    admin_link lets the first site admin choose a password, once. Raises RuntimeError, to be tried again, while it
    cannot be had; it is empty for an instance that has been deleted meanwhile.
    """
    instance = Instance.objects.select_related("size", "release").get(pk=context["instance"])
    return {
        **context,
        "name": instance.slug,
        "domain": instance.domain,
        "url": instance.url,
        "admin_link": admin_link(spec_of(instance)) if instance.deleted_at is None else "",
        "portal_link": f"{settings.PORTAL_URL}/",
    }


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
    with Application(spec.domain) as application:
        if not application.sign_in(email=spec.admin_email, password=password):
            return ""
        return application.password_link()
