"""The calendar of an organization's updates, for programs that know its address and cannot log in."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.core.models import Membership
from portal.web.calendar_address import holder_of
from portal.web.feed import calendar_of
from portal.web.ical import CONTENT_TYPE
from portal.web.rates import is_within

HOUR = 3_600
MOST_AN_HOUR = 120  # of one address; calendar programs ask a few times an hour at most
KEPT_SECONDS = 300


@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """A guessed or outlived address is answered like any other that is not there, before the database is asked."""
    holder = holder_of(token)
    if holder is None:
        raise Http404
    if not is_within(f"calendar:{holder.membership}", MOST_AN_HOUR, HOUR):
        return _too_often(request)
    memberships = Membership.objects.select_related("organization").filter(user__is_active=True)
    membership = memberships.filter(pk=holder.membership, calendar_version=holder.version).first()
    if membership is None:
        raise Http404
    return HttpResponse(
        calendar_of(membership.organization),
        content_type=CONTENT_TYPE,
        headers={
            "Cache-Control": f"private, max-age={KEPT_SECONDS}",
            "Content-Disposition": 'inline; filename="updates.ics"',
            "X-Robots-Tag": "noindex",
        },
    )


def _too_often(request: HttpRequest) -> HttpResponse:
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(HOUR)
    return response
