"""An organization that waits for its trial withdraws."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.selectors.trials import waiting_of
from billing.services.waiting_list import trial_withdraw
from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, runners_only


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
@runners_only
def trial_withdraw_page(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Its place is given up once that is confirmed. Who has none any more is led to what there is."""
    waiting = waiting_of(membership.organization)
    if waiting is None:
        return redirect("instance_list")
    if request.method == "POST":
        try:
            trial_withdraw(request=waiting.request, actor=actor_of(request))
        except ServiceError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Your organization waits no longer. You can ask for a trial again at any time.")
        return redirect("instance_list")
    context = {
        "waiting": waiting,
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "tab": "instances",
    }
    return render(request, "web/trials/withdraw.html", context)
