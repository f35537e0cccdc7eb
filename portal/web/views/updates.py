"""What is planned for an instance and what was done to it, when it may be changed, and putting an update off."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.core import clock
from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.core.services import calendar_renew
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, runners_only
from portal.web.calendar_address import calendar_address
from portal.web.maintenance_forms import CHANNEL_NOTES, MaintenanceForm, PostponeForm
from portal.web.standing import live_operation, standing_of
from portal.web.updates import UPDATES, done_of, planned_of
from portal.web.views.instances import shown_instance
from portal.web.wording import window_in_words
from provisioning.fleet.windows import in_words, window_of
from provisioning.models import Channel, Instance, InstanceStatus
from provisioning.selectors import instance_for
from provisioning.selectors.planned import standing_of_release
from provisioning.services.maintenance import maintenance_set
from provisioning.services.rollouts import member_postpone


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
@runners_only
def instance_updates(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """The page; posting saves the channel and the window."""
    instance = shown_instance(membership, instance_id)
    form = MaintenanceForm(instance, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            maintenance_set(instance=instance, actor=actor_of(request), **form.cleaned_data)
        except ServiceError as error:
            form.refuse(error)
        else:
            messages.success(request, f"Saved. Updates of {instance.slug} come by these choices from now on.")
            return redirect("instance_updates", instance.pk)
    return render(request, "web/updates/detail.html", _told(membership, instance, form))


@require_POST
@members_only
@runners_only
def update_postpone(request: HttpRequest, membership: Membership, instance_id: str, member_id: int) -> HttpResponse:
    """The update is put off, or no longer; the page that comes next says so, or why not."""
    instance = instance_for(membership.organization, instance_id)
    update = next((each for each in planned_of(instance) if each.planned.member.pk == member_id), None)
    form = PostponeForm(request.POST)
    if update is None:
        messages.error(request, "That update is not planned any more: it has begun, or was called off.")
    elif not form.is_valid():
        messages.error(request, str(form.errors["until"][0]))
    else:
        until = form.cleaned_data["until"]
        try:
            member_postpone(member=update.planned.member, until=until, actor=actor_of(request))
        except ServiceError as error:
            messages.error(request, str(error))
        else:
            later = f"is put off until {in_words(until, update.window.zone)}" if until else "comes as soon as it may"
            messages.success(request, f"{update.planned.title} {later}.")
    return redirect("instance_updates", instance.pk)


@require_POST
@members_only
def calendar_renew_page(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """The calendar has another address; it is each member's own, so that each may do it."""
    instance = instance_for(membership.organization, instance_id)
    calendar_renew(membership=membership, actor=actor_of(request))
    messages.success(request, "Your calendar has a new address. Subscribe to it anew: the former one is of no use now.")
    return redirect("instance_updates", instance.pk)


def _told(membership: Membership, instance: Instance, form: MaintenanceForm) -> dict[str, Any]:
    live, now, window = live_operation(instance), clock.now(), window_of(instance)
    is_deleted = instance.status == InstanceStatus.DELETED
    opens, closes = window.next(now)
    return {
        "instance": instance,
        "standing": standing_of(instance),
        "live": live,
        "is_updating": live is not None and live.kind in UPDATES,
        "is_deleted": is_deleted,
        "release": None if is_deleted else standing_of_release(instance),
        "planned": [] if is_deleted else planned_of(instance),
        "done": done_of(instance),
        "form": form,
        "channel_note": CHANNEL_NOTES[Channel(instance.channel)],
        "window": window,
        "window_words": window_in_words(window),
        "opens": opens,
        "closes": closes,
        "is_open": opens <= now,
        "now": now,
        "calendar_address": calendar_address(membership),
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "tab": "instances",
        "instance_tab": "updates",
    }
