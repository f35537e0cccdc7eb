"""An instance's people take their data with them: they ask for an export, and fetch its files."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, runners_only
from portal.web.forms import ServiceForm
from portal.web.standing import live_operation, standing_of
from portal.web.views.instances import shown_instance
from provisioning.fleet.exports import exports_of
from provisioning.models import OperationKind
from provisioning.services.exports import export_fetch, export_refusal, instance_export


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
@runners_only
def instance_exports(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """What there is to fetch; posting asks for another one."""
    instance = shown_instance(membership, instance_id)
    form = ServiceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            instance_export(instance=instance, actor=actor_of(request))
        except ServiceError as error:
            form.refuse(error)
        else:
            return redirect("instance_exports", instance.pk)
    live = live_operation(instance)
    return render(
        request,
        "web/exports/list.html",
        {
            "instance": instance,
            "standing": standing_of(instance),
            "live": live,
            "is_exporting": live is not None and live.kind == OperationKind.EXPORT,
            "form": form,
            "exports": exports_of(instance),
            "why_not": export_refusal(instance),
            "may_run": may_run(membership),
            "only_runners": ONLY_RUNNERS,
            "tab": "instances",
        },
    )


@require_safe
@never_cache
@members_only
def export_file(
    request: HttpRequest, membership: Membership, instance_id: str, key: str, database: str
) -> HttpResponse:
    """Leads to the file itself, which can be read there for some minutes."""
    instance = shown_instance(membership, instance_id)
    if not may_run(membership):
        raise PermissionDenied(ONLY_RUNNERS)
    return redirect(export_fetch(instance=instance, key=key, database=database, actor=actor_of(request)))
