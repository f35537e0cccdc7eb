"""Who of ours asks to look into an instance: its people agree, refuse, and end it. Opening a page changes nothing."""

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.core import clock
from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, runners_only
from portal.web.forms import AnswerForm
from portal.web.looking_in import told
from portal.web.standing import live_operation, standing_of
from portal.web.views.instances import shown_instance
from provisioning.fleet.access import open_at, waiting_at
from provisioning.models import Access
from provisioning.selectors.access import access_for, accesses_of
from provisioning.services.access import access_end, access_grant, access_refuse

PAGE_SIZE: Final = 20
DEEDS: Final[dict[str, tuple[Callable[..., Access], str]]] = {
    "grant": (access_grant, "{who} may look for {minutes} minutes from now on. You can end it here at any moment."),
    "refuse": (access_refuse, "Refused. {who} may not look."),
    "end": (access_end, "It is over. {who} may not look any more."),
}


@require_safe
@never_cache
@members_only
def instance_access(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """What is asked for and what is open now, and all that ever was."""
    instance, now = shown_instance(membership, instance_id), clock.now()
    accesses = accesses_of(instance)
    at_present = waiting_at(now) | open_at(now)
    page = Paginator(accesses.exclude(at_present), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "instance": instance,
        "standing": standing_of(instance),
        "live": live_operation(instance),
        "present": told(accesses.filter(at_present), now),
        "past": told(page, now),
        "page": page,
        "form": AnswerForm(),
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "tab": "instances",
    }
    return render(request, "web/access/list.html", context)


@require_POST
@members_only
@runners_only
def access_answer(
    request: HttpRequest, membership: Membership, instance_id: str, access_id: int, deed: str
) -> HttpResponse:
    """It is agreed to, refused or ended; the page that comes next says so, or why not."""
    if deed not in DEEDS:
        raise Http404
    access, form = access_for(membership.organization, instance_id, access_id), AnswerForm(request.POST)
    do, sentence = DEEDS[deed]
    if not form.is_valid():
        messages.error(request, str(form.errors["reason"][0]))
        return redirect("instance_access", instance_id)
    try:
        do(access=access, actor=actor_of(request), reason=form.cleaned_data["reason"])
    except ServiceError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, sentence.format(who=access.asked_by.email, minutes=access.minutes))
    return redirect("instance_access", instance_id)
