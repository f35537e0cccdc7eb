"""The certificate that nothing is left of a deleted instance."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.core.errors import NotFound
from portal.core.models import Membership
from portal.web.access import members_only
from portal.web.proving import CertificateStory, prove
from provisioning.fleet.certificates import document_of
from provisioning.models import Certificate
from provisioning.selectors import certificate_of, instance_for


@require_safe
@members_only
def certificate(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    return render(
        request,
        "web/certificates/detail.html",
        {"certificate": _certificate(membership, instance_id), "tab": "instances"},
    )


@require_safe
@members_only
def certificate_download(_request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """What the digest is of, with the digest."""
    story = _certificate(membership, instance_id)
    response = JsonResponse(document_of(story.certificate), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="{story.certificate.pk}.json"'
    return response


def _certificate(membership: Membership, instance_id: str) -> CertificateStory:
    instance = instance_for(membership.organization, instance_id)
    found: Certificate | None = certificate_of(instance)
    if found is None:
        raise NotFound("There is no certificate of this instance.")
    return prove(found)
