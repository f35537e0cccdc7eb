"""Where instances tell how they are used: numbers alone, once an hour (decision 15)."""

import json
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.core.errors import NotFound, ServiceError
from portal.web.rates import is_within
from provisioning.fleet.figures import NO_FIGURES, figures_in
from provisioning.fleet.pings import pinging
from provisioning.services.usage import usage_take

MOST_BYTES: Final = 4_096  # a ping has about a hundred
MOST_AN_HOUR, HOUR = 30, 3_600
BEARER: Final = "Bearer "


@csrf_exempt
@require_POST
def usage(request: HttpRequest) -> HttpResponse:
    """204 once the figures are kept; 401 for whoever is no instance of ours, without saying why; 400 in a sentence."""
    bearer = request.headers.get("Authorization", "")
    instance_id = pinging(bearer.removeprefix(BEARER)) if bearer.startswith(BEARER) else ""
    if not instance_id:
        return _stranger()
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return HttpResponse(status=413)
    if not is_within(f"ping:{instance_id}", MOST_AN_HOUR, HOUR):
        return HttpResponse(status=429, headers={"Retry-After": str(HOUR)})
    return _taken(instance_id, request.body)


def _taken(instance_id: str, body: bytes) -> HttpResponse:
    try:
        usage_take(instance_id=instance_id, figures=figures_in(json.loads(body)))
    except NotFound:
        return _stranger()
    except ServiceError as error:
        return _refused(str(error))
    except (ValueError, RecursionError):  # it is no JSON, or nested beyond all reason
        return _refused(NO_FIGURES)
    return HttpResponse(status=204)


def _stranger() -> HttpResponse:
    return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})


def _refused(sentence: str) -> HttpResponse:
    return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")
