"""An instance is asked for, looked at and given up."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from billing.selectors.seats import seat_use
from billing.selectors.standings import standing_of as money_of
from billing.selectors.trials import Waiting, trial_refusal, waiting_of
from billing.services.waiting_list import trial_ask
from portal.core import clock
from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, runners_only
from portal.web.forms import DeleteForm, InstanceForm
from portal.web.planning import story_of
from portal.web.seen import seen_of
from portal.web.standing import live_operation, standing_of, standing_of_operation, with_latest_operation
from portal.web.telling import tell
from portal.web.updates import coming_soon
from portal.web.using import use_of
from portal.web.views.plans import deletion_story
from portal.web.wording import suspension_of, words_of
from provisioning.fleet.final_backups import final_backup_of
from provisioning.fleet.trials import trials_of
from provisioning.models import Instance, InstanceStatus, Kind, Operation, OperationKind, Size, Tenancy
from provisioning.models.operations import LIVE
from provisioning.selectors import (
    certificate_of,
    instances_of,
    operations_of,
    plan_for_new,
    progress_of,
    the_one,
)
from provisioning.selectors.access import access_asked_for
from provisioning.services import check_slug, instance_delete
from provisioning.services.instances import TRIAL_SIZE
from provisioning.services.names import domain_of

HISTORY_LENGTH = 20


@require_http_methods(["GET", "POST"])
@members_only
@runners_only
def instance_new(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Asks for the trial: it starts, or waits for its turn. Where it waits already, its name and region are changed.

    A second post of the same form leads to the instance that the first one made.
    """
    waiting = waiting_of(membership.organization)
    form = InstanceForm(request.POST or None, initial=_usual(membership, waiting))
    if request.method == "POST" and form.is_valid():
        wish = form.cleaned_data
        try:
            asked = trial_ask(organization=membership.organization, actor=actor_of(request), **wish)
        except ServiceError as error:
            if already := _own_trial(membership, wish["slug"]):
                return _watch(already)
            form.refuse(error)
        else:
            return redirect("instance_list") if isinstance(asked, Waiting) else _watch(asked)
    return render(request, "web/instances/new.html", _choices(membership, form, waiting))


@require_safe
@members_only
def instance_name_check(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The verdict on a name, while it is being typed."""
    slug = request.GET.get("slug", "").strip().lower()
    is_own = bool(slug) and _own_trial(membership, slug) is not None
    return render(
        request,
        "web/instances/_name_verdict.html",
        {"verdict": check_slug(slug) if slug else None, "domain": domain_of(slug), "is_own": is_own},
    )


@require_safe
@members_only
def instance_detail(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    instance = shown_instance(membership, instance_id)
    live = live_operation(instance)
    story = tell(progress_of(live)) if live else None
    history = list(operations_of(instance)[:HISTORY_LENGTH])
    is_deleted = instance.status == InstanceStatus.DELETED
    return render(
        request,
        "web/instances/detail.html",
        {
            "instance": instance,
            "standing": standing_of(instance),
            "live": live,
            "story": story,
            "progress": story.progress if story else None,
            "history": [
                (operation, words_of(operation.kind), standing_of_operation(operation), seen_of(operation))
                for operation in history
            ],
            "latest": history[0] if history else None,
            **_rest(instance),
            "update_at": None if live or is_deleted else coming_soon([instance]).get(instance.pk),
            "asked": None if is_deleted else access_asked_for(instance),
            "use": None if is_deleted else use_of(instance, seat_use(instance)),
            "may_run": may_run(membership),
            "only_runners": ONLY_RUNNERS,
            "tab": "instances",
        },
    )


def _rest(instance: Instance) -> dict[str, Any]:
    """What is told of one that is suspended, or deleted; nothing of any other."""
    if instance.status == InstanceStatus.SUSPENDED:
        return {"suspension": suspension_of(instance), "kept_until": money_of(instance, clock.now()).delete_at}
    if instance.status == InstanceStatus.DELETED:
        return {"certificate": certificate_of(instance), "final_backup": final_backup_of(instance)}
    return {}


@require_http_methods(["GET", "POST"])
@members_only
@runners_only
def instance_delete_page(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """Deletes the instance once its name has been typed; says before what will be lost."""
    instance = shown_instance(membership, instance_id)
    if already := _teardown(instance):
        return redirect("operation_detail", instance.pk, already.pk)
    if instance.status == InstanceStatus.DELETED:
        return redirect("instance_detail", instance.pk)
    form = DeleteForm(request.POST or None, instance=instance)
    if request.method == "POST" and form.is_valid():
        try:
            operation = instance_delete(instance=instance, actor=actor_of(request), **form.cleaned_data)
        except ServiceError as error:
            form.refuse(error)
        else:
            return redirect("operation_detail", instance.pk, operation.pk)
    survey, plan = deletion_story(membership, instance, request.GET.get("plan") or request.POST.get("plan") or "")
    context = {
        "form": form,
        "instance": instance,
        "survey": survey,
        "plan": plan,
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "tab": "instances",
    }
    return render(request, "web/instances/delete.html", context)


def _usual(membership: Membership, waiting: Waiting | None) -> dict[str, str]:
    """What the form begins with."""
    if waiting is None:
        return {"slug": membership.organization.slug}
    return {"slug": waiting.request.slug, "region": waiting.request.region}


def _choices(membership: Membership, form: InstanceForm, waiting: Waiting | None) -> dict[str, Any]:
    size = Size.objects.filter(pk=TRIAL_SIZE).first()
    slug = str(form["slug"].value() or "")
    return {
        "form": form,
        "size": size,
        "plan": story_of(plan_for_new(size=size, tenancy=Tenancy.DEDICATED)) if size else None,
        "trial_days": settings.TRIAL_DAYS,
        "trial_kept_days": settings.TRIAL_KEPT_DAYS,
        "instance_domain": settings.INSTANCE_DOMAIN,
        "verdict": check_slug(slug) if slug and not form.is_bound else None,
        "domain": domain_of(slug),
        "why_none": trial_refusal(membership.organization),
        "earlier_trial": trials_of(membership.organization).first(),
        "waiting": waiting,
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "tab": "instances",
    }


def shown_instance(
    membership: Membership, instance_id: str, more: Callable[[QuerySet[Instance]], QuerySet[Instance]] | None = None
) -> Instance:
    """The instance as its pages show it, with what `more` adds to it; NotFound for what is not theirs. Two queries."""
    rows = with_latest_operation(instances_of(membership.organization)).filter(pk=instance_id)
    return the_one(more(rows) if more else rows)


def _own_trial(membership: Membership, slug: str) -> Instance | None:
    """The living trial of this name that the organization has already."""
    trials = instances_of(membership.organization).filter(kind=Kind.TRIAL, slug=slug)
    return trials.exclude(status=InstanceStatus.DELETED).first()


def _watch(instance: Instance) -> HttpResponse:
    operation = operations_of(instance).filter(kind=OperationKind.PROVISION).first()
    return (
        redirect("operation_detail", instance.pk, operation.pk)
        if operation
        else redirect("instance_detail", instance.pk)
    )


def _teardown(instance: Instance) -> Operation | None:
    return operations_of(instance).filter(kind=OperationKind.TEARDOWN, status__in=LIVE).first()
