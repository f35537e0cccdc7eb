"""Where Stripe tells us that something has happened. In production a process of its own answers: portal.intake."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.services.events import event_take
from portal.core.errors import Forbidden

MOST_BYTES: Final = 1_000_000  # an event has some thousand


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """204 once the event is kept; 400 for what Stripe has not signed, which it shows to whoever has set it up."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return HttpResponse(status=413)
    try:
        event_take(payload=request.body, signature=request.headers.get("Stripe-Signature", ""))
    except Forbidden as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    return HttpResponse(status=204)
