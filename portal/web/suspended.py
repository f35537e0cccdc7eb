"""What the portal answers at the address of a suspended instance: one page, whatever is asked for (decision 12).

It stands before everything else, so that nothing of the portal is served there: no page, no API, no cookie, no HSTS.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import validate_host
from django.template.loader import render_to_string
from django.urls import reverse

from portal.web.wording import suspension_of
from provisioning.models import Instance, InstanceStatus
from provisioning.selectors import instance_away_from

SUSPENDED_SECONDS: Final = 3_600  # when to ask again: until somebody settles it
ON_ITS_WAY_SECONDS: Final = 120
POLICY: Final = (
    "default-src 'none'; style-src {portal}; font-src {portal}; img-src {portal}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
Handler = Callable[[HttpRequest], HttpResponse]


def page_for_suspended(handle: Handler) -> Handler:
    """Requests for an instance's host are answered with its page; all others, and hosts of nobody, go on as ever.

    A host that is neither the portal's nor below the instances' domain may be a customer's name.
    """

    def handle_or_page(request: HttpRequest) -> HttpResponse:
        host = _host(request)
        if not _may_be_an_instances(host):
            return handle(request)
        instance = instance_away_from(host)
        return _page(instance) if instance else handle(request)

    return handle_or_page


def _may_be_an_instances(host: str) -> bool:
    if "." not in host or host == urlsplit(settings.PORTAL_URL).hostname:
        return False
    return host.endswith(f".{settings.INSTANCE_DOMAIN}") or not validate_host(host, settings.ALLOWED_HOSTS)


def _host(request: HttpRequest) -> str:
    """As it was sent: Django's own would refuse what is none of its hosts."""
    return str(request.META.get("HTTP_HOST", "")).partition(":")[0].rstrip(".").lower()


def _page(instance: Instance) -> HttpResponse:
    """Its look comes from the portal's own address. While the instance only comes or goes, it says that."""
    is_suspended = instance.status == InstanceStatus.SUSPENDED
    portal = settings.PORTAL_URL
    context = {
        "slug": instance.slug,
        "suspension": suspension_of(instance) if is_suspended else None,
        "portal": portal,
        "instance_page": f"{portal}{reverse('instance_detail', args=[instance.pk])}",
    }
    headers = {
        "Retry-After": str(SUSPENDED_SECONDS if is_suspended else ON_ITS_WAY_SECONDS),
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY.format(portal=portal),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(render_to_string("web/suspended.html", context), status=503, headers=headers)
