"""All parts on one living page: for those who build pages, not for customers."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.core import clock
from portal.web import samples
from portal.web.forms import InstanceForm, OrganizationForm, TokenForm


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    if not (settings.DEBUG or settings.DEMO or getattr(request.user, "is_staff", False)):
        raise Http404
    now = clock.now()
    refused = OrganizationForm({"name": ""})
    context = {
        "standings": samples.STANDINGS,
        "tones": samples.TONES,
        "field_forms": (OrganizationForm(), refused),
        "choices_form": InstanceForm(),
        "boxes_form": TokenForm(is_for_staff=False),
        "moments": (now - timedelta(seconds=20), now - timedelta(hours=5), now + timedelta(days=12)),
        "sights": samples.SEEN,
        "trend": samples.sample_trend(),
        "instance": samples.INSTANCE,
        "story": samples.sample_story(),
        "ending": samples.sample_ending(),
    }
    messages.info(request, "A message, as one appears after something was done.")
    return render(request, "web/styleguide.html", context)
