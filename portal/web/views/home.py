"""The front door: strangers see what this is, members see their instances."""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from billing.selectors.trials import waiting_of
from portal.core.models import Membership, User
from portal.core.rights import is_ours
from portal.core.selectors import membership_of
from portal.web.access import may_run, members_only
from portal.web.journey import next_step
from portal.web.standing import live_operation, standing_of, with_latest_operation
from portal.web.updates import coming_soon
from provisioning.models import InstanceStatus
from provisioning.selectors import instances_of

PAGE_SIZE = 20


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "web/landing.html", {"trial_days": settings.TRIAL_DAYS})


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    """Strangers land, our people come to their desk, who has a step left to it, members to their instances."""
    if not isinstance(request.user, User):
        return landing(request)
    if is_ours(request.user) and membership_of(request.user) is None:
        return redirect("desk_today")
    if step := next_step(request.user):
        return redirect(step)
    return instance_list(request)


@require_safe
@members_only
def instance_list(request: HttpRequest, membership: Membership) -> HttpResponse:
    return render(request, "web/instances/list.html", _listed(request, membership))


@require_safe
@members_only
def instance_list_fragment(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The rows alone, for the list's own polling."""
    return render(request, "web/instances/_rows.html", _listed(request, membership))


def _listed(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    wants_deleted = request.GET.get("show") == "deleted"
    instances = with_latest_operation(instances_of(membership.organization))
    shown = (
        instances.filter(status=InstanceStatus.DELETED)
        if wants_deleted
        else instances.exclude(status=InstanceStatus.DELETED)
    )
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    soon = {} if wants_deleted else coming_soon(list(page))
    rows = [(instance, standing_of(instance), live_operation(instance), soon.get(instance.pk)) for instance in page]
    return {
        "page": page,
        "rows": rows,
        "is_live": any(live for _, _, live, _ in rows),
        "shows_deleted": wants_deleted,
        "query": "show=deleted&" if wants_deleted else "",
        "may_run": may_run(membership),
        "waiting": waiting_of(membership.organization),
        "tab": "instances",
    }
