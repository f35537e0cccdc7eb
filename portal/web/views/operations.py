"""An operation is watched."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.core.errors import NotFound
from portal.core.models import Membership
from portal.web.access import members_only
from portal.web.seen import seen_of
from portal.web.telling import tell
from provisioning.models import Operation, OperationKind, OperationStatus
from provisioning.selectors import certificate_of, instance_for, operations_of, progress_of

HTMX_STOP_POLLING = 286


@require_safe
@members_only
def operation_detail(request: HttpRequest, membership: Membership, instance_id: str, operation_id: str) -> HttpResponse:
    return render(request, "web/operations/detail.html", _told(membership, instance_id, operation_id))


@require_safe
@members_only
def operation_fragment(
    request: HttpRequest, membership: Membership, instance_id: str, operation_id: str
) -> HttpResponse:
    """The live part of the page. Its status tells htmx to ask no more once the operation is at its end."""
    context = _told(membership, instance_id, operation_id)
    status = 200 if context["operation"].is_live else HTMX_STOP_POLLING
    return render(request, "web/operations/_progress.html", {**context, "is_fragment": True}, status=status)


@require_safe
@members_only
def operation_summary(
    request: HttpRequest, membership: Membership, instance_id: str, operation_id: str
) -> HttpResponse:
    """A few lines of progress for the instance's page, which is loaded anew when the operation is at its end."""
    context = _told(membership, instance_id, operation_id)
    response = render(request, "web/operations/_summary.html", context)
    if not context["operation"].is_live:
        response["HX-Refresh"] = "true"
    return response


def _told(membership: Membership, instance_id: str, operation_id: str) -> dict[str, Any]:
    instance = instance_for(membership.organization, instance_id)
    operation: Operation | None = operations_of(instance).filter(pk=operation_id).first()
    if operation is None:
        raise NotFound("There is no such operation.")
    story = tell(progress_of(operation))
    is_deletion = operation.kind == OperationKind.TEARDOWN and operation.status == OperationStatus.SUCCEEDED
    return {
        "certificate": certificate_of(instance) if is_deletion else None,
        "instance": instance,
        "operation": operation,
        "story": story,
        "progress": story.progress,
        "seen": seen_of(operation),
        "tab": "instances",
    }
