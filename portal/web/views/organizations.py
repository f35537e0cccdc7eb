"""An organization is named, and looked at."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.core.selectors import membership_of
from portal.core.services import organization_create
from portal.web.access import actor_of, members_only, person
from portal.web.forms import OrganizationForm

PAGE_SIZE = 50


@login_required
@require_http_methods(["GET", "POST"])
def organization_new(request: HttpRequest) -> HttpResponse:
    """Names the organization. Whoever has one goes on, so that a second post does no harm."""
    if membership_of(person(request)):
        return redirect("home")
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            organization_create(name=form.cleaned_data["name"], actor=actor_of(request))
        except ServiceError as error:
            if membership_of(person(request)):
                return redirect("home")
            form.refuse(error)
        else:
            return redirect("home")
    return render(request, "web/organizations/new.html", {"form": form})


@require_safe
@members_only
def organization_settings(request: HttpRequest, membership: Membership) -> HttpResponse:
    return render(
        request, "web/organizations/settings.html", {"organization": membership.organization, "tab": "settings"}
    )


@require_safe
@members_only
def members(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Who belongs to the organization, in the order in which they came."""
    memberships = membership.organization.memberships.select_related("user").order_by("created_at", "pk")
    page = Paginator(memberships, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "web/organizations/members.html", {"page": page, "tab": "members"})
