"""How reliable an instance is, for its people; and the fleet, for everybody."""

from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.core.models import Membership
from portal.web.access import members_only
from portal.web.inside import health_view
from portal.web.standing import live_operation, standing_of
from portal.web.uptime import view_of
from portal.web.views.instances import shown_instance
from provisioning.fleet.windows import window_of
from provisioning.models import InstanceStatus
from provisioning.selectors.health import health_seen, inside_findings_of, with_health
from provisioning.selectors.reliability import fleet_reliability, outages_of, reliability_of
from provisioning.selectors.status import fleet_status

FLEET_IS_KEPT_SECONDS = 30  # strangers may come in crowds, above all when something is wrong
FLEET = "status-page"


@require_safe
@never_cache
@members_only
def instance_health(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """How it is and why, its uptime of this month and of 90 days, and every outage with what it counts as."""
    instance = shown_instance(membership, instance_id, with_health)
    context = {
        "instance": instance,
        "health": health_view(health_seen(instance), inside_findings_of(instance)),
        "standing": standing_of(instance),
        "live": live_operation(instance),
        "uptime": view_of(reliability_of(instance)),
        "outages": outages_of(instance),
        "is_watched": instance.status == InstanceStatus.RUNNING,
        "window": window_of(instance),
        "tab": "instances",
    }
    return render(request, "web/health/detail.html", context)


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """For everybody: how the service does by region, and did for 90 days. No customer is named, and none counted."""
    known: dict[str, Any] | None = cache.get(FLEET)
    if known is None:
        known = {"fleet": fleet_status(), "uptime": view_of(fleet_reliability(), of_many=True)}
        cache.set(FLEET, known, FLEET_IS_KEPT_SECONDS)
    return render(request, "web/health/status.html", {**known, "seconds": FLEET_IS_KEPT_SECONDS})
