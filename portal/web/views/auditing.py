"""What was done in an organization's name, and to what is theirs: searched on a page, and taken along as a file."""

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.core import clock
from portal.core.audit import record
from portal.core.auditing import FORMATS, as_told, events_for, in_parts
from portal.core.models import Membership
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only
from portal.web.forms import AuditForm

PAGE_SIZE = 50


@require_safe
@never_cache
@members_only
def organization_audit(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The newest first. A search that makes no sense shows everything, and says so."""
    _runners_only(membership)
    form = AuditForm(request.GET)
    events = events_for(membership.organization, **form.wish())
    page = Paginator(events, PAGE_SIZE).get_page(request.GET.get("page"))
    asked = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "form": form,
        "page": page,
        "events": [(event, as_told(event)) for event in page],
        "query": f"{urlencode(asked)}&" if asked else "",
        "is_searched": bool(asked),
        "tab": "audit",
    }
    return render(request, "web/audit/list.html", context)


@require_safe
@never_cache
@members_only
def organization_audit_export(request: HttpRequest, membership: Membership, file_format: str) -> HttpResponseBase:
    """All that the same search finds, the oldest first, as a file. That it was taken is part of the audit, too."""
    _runners_only(membership)
    form = AuditForm(request.GET)
    organization = membership.organization
    events = events_for(organization, **form.wish()).order_by("at", "id")
    record("audit.export", organization, organization_id=organization.pk, actor=actor_of(request))
    lines, media_type = FORMATS[file_format]
    name = f"audit-{clock.now():%Y-%m-%d}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines(map(as_told, in_parts(events))), content_type=media_type, headers=headers)


def _runners_only(membership: Membership) -> None:
    """Raises PermissionDenied for all others: the audit has people's addresses in it."""
    if not may_run(membership):
        raise PermissionDenied(ONLY_RUNNERS)
