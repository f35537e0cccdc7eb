"""What an instance can do beside the usual: people see all there is, switch it on and off, and add it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.clients.stripe import Away
from billing.models import Charge, Subscription
from billing.selectors.entitlements import Held, Stands, held_feature, held_features
from billing.selectors.subscriptions import subscription_of
from billing.services.adding import Addition, addition_preview, feature_add, feature_keep, feature_stop
from billing.services.features import feature_opt_in, feature_opt_out, feature_tell
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, ServiceError
from portal.core.models import Membership
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, runners_only
from portal.web.details import DetailsForm, asked_for
from portal.web.naming import shown_record
from portal.web.once import new_key
from portal.web.opting import (
    BUTTONS,
    TELLING,
    Choice,
    Deed,
    FeatureForm,
    UnitsForm,
    consequences,
    deed_for,
    deeds_for,
)
from portal.web.standbys import promise, standby_view
from portal.web.standing import live_operation
from portal.web.standing import standing_of as shown_standing
from portal.web.views.instances import shown_instance
from portal.web.views.subscriptions import BUSY
from provisioning.fleet.details import CUSTOM_NAME
from provisioning.models import Instance, InstanceStatus, OperationKind, OperationStatus
from provisioning.selectors import operations_of
from provisioning.services.domains import domain_look_now

DONE = {
    Deed.OPT_IN: "{} is being switched on.",
    Deed.TELL: "{} is being switched on.",
    Deed.CHANGE: "{} is being changed.",
    Deed.ADD: "{} is switched on as soon as it is paid for, which takes some seconds.",
    Deed.OPT_OUT: "{} is being switched off.",
    Deed.STOP: "{} stays on until the end of this period.",
    Deed.KEEP: "{} goes on.",
}
CHANGED_MEANWHILE = "Something has changed meanwhile. Look at it once more."


@require_GET
@never_cache
@members_only
def instance_features(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """All of them, by how they stand."""
    instance = shown_instance(membership, instance_id)
    held, subscription = held_features(instance, clock.now()), subscription_of(instance)
    shown = [(each, deed_for(each, is_subscribed=subscription is not None)) for each in held]
    is_changing = _is_changing(instance, held)
    context = {"features": shown, "subscription": subscription, "is_changing": is_changing}
    context |= {"was_taken_back": _was_taken_back(instance) and is_changing}
    return render(request, "web/features/list.html", {**context, **_headed(membership, instance)})


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
@runners_only
def instance_feature(request: HttpRequest, membership: Membership, instance_id: str, name: str) -> HttpResponse:
    """One of them: what can be done about it and what comes of that; posting agrees. `?do=` names another deed."""
    instance = shown_instance(membership, instance_id)
    held = held_feature(instance, name, clock.now())
    subscription = subscription_of(instance)
    deeds = deeds_for(held, is_subscribed=subscription is not None)
    deed = _asked_deed(request, deeds)
    form = FeatureForm(request.POST if request.method == "POST" else None)
    told = _details_form(request, instance, held, deed)
    if form.is_valid() and (told is None or told.is_valid()):
        try:
            _agree(instance, held, deeds, subscription, _agreed(form, told), actor_of(request))
        except Away:
            form.add_error(None, BUSY)
        except ServiceError as error:
            told.refuse(error) if told else form.add_error(None, str(error))
        else:
            done = Deed(form.cleaned_data["deed"])
            messages.success(request, _done(done, held))
            if _names(done, held):
                return redirect("instance_feature", instance.pk, name)
            return redirect("instance_features", instance.pk)
    asked = UnitsForm(held.feature, request.GET if "units" in request.GET else None)
    context = {"form": form, "key": new_key(), **_shown(instance, held, deed, subscription, asked)}
    others = [(other, BUTTONS[other]) for other in deeds if other is not deed]
    context |= {"told": told, "others": others, "record": shown_record(instance, held)}
    context |= {"was_taken_back": _was_taken_back(instance) and _is_changing(instance, [held])}
    return render(request, "web/features/detail.html", {**context, **_headed(membership, instance)})


@require_POST
@members_only
@runners_only
def feature_look(request: HttpRequest, membership: Membership, instance_id: str, name: str) -> HttpResponse:
    """The record that the feature waits for is looked up at once, by a worker."""
    instance = shown_instance(membership, instance_id)
    held = held_feature(instance, name, clock.now())
    try:
        domain_look_now(instance=instance, name=held.told.get(CUSTOM_NAME, ""), actor=actor_of(request))
    except ServiceError as error:
        messages.info(request, str(error))
    return redirect("instance_feature", instance.pk, name)


def _asked_deed(request: HttpRequest, deeds: tuple[Deed, ...]) -> Deed | None:
    """The one that the page is about: what was posted or asked for where that can be done, else the first."""
    asked = request.POST.get("deed") or request.GET.get("do", "")
    return next((deed for deed in deeds if deed == asked), next(iter(deeds), None))


def _details_form(request: HttpRequest, instance: Instance, held: Held, deed: Deed | None) -> DetailsForm | None:
    """Where the deed tells something: the form for that, with what was told before in it."""
    if deed not in TELLING or not held.asks:
        return None
    came_from = actor_of(request).source_address or ""
    data = request.POST if request.method == "POST" else None
    return DetailsForm(held.asks, held.told, region=instance.region, came_from=came_from, data=data)


def _agreed(form: FeatureForm, told: DetailsForm | None) -> dict[str, Any]:
    return {**form.cleaned_data, "details": told.details if told else {}}


def _done(deed: Deed, held: Held) -> str:
    """What happens next."""
    if deed is Deed.ADD and held.asks:
        return f"Once {held.feature} is paid for, which takes some seconds, tell us {asked_for(held.asks)}."
    if _names(deed, held):
        return "Now set the record that is shown here. What follows happens by itself."
    return DONE[deed].format(held.feature)


def _names(deed: Deed, held: Held) -> bool:
    """Whether it tells a name that has to be led to the instance next."""
    return deed in TELLING and CUSTOM_NAME in held.asks


def _agree(
    instance: Instance,
    held: Held,
    deeds: tuple[Deed, ...],
    subscription: Subscription | None,
    agreed: dict[str, Any],
    actor: Actor,
) -> None:
    """What the person has agreed to is asked for, if it is still among what can be done."""
    feature, deed = held.feature, next((deed for deed in deeds if deed == agreed["deed"]), None)
    if deed is None:
        raise Conflict(CHANGED_MEANWHILE)
    if deed is Deed.OPT_IN:
        feature_opt_in(instance=instance, feature=feature, actor=actor, details=agreed["details"])
    elif deed in TELLING:
        feature_tell(instance=instance, feature=feature, details=agreed["details"], actor=actor)
    elif deed is Deed.OPT_OUT:
        feature_opt_out(instance=instance, feature=feature, actor=actor)
    elif subscription is None:
        raise Conflict(CHANGED_MEANWHILE)
    elif deed is Deed.ADD:
        asked = {"units": agreed["units"] or 1, "key": agreed["key"] or new_key(), "reckoned_at": agreed["reckoned_at"]}
        feature_add(instance=instance, subscription=subscription, feature=feature, actor=actor, **asked)
    elif deed is Deed.STOP:
        feature_stop(subscription=subscription, feature=feature, actor=actor)
    else:
        feature_keep(subscription=subscription, feature=feature, actor=actor)


def _shown(
    instance: Instance, held: Held, deed: Deed | None, subscription: Subscription | None, asked: UnitsForm
) -> dict[str, Any]:
    """What the page says, or the sentence why it cannot be had."""
    units = asked.cleaned_data["units"] if asked.is_bound and asked.is_valid() else 1
    is_counted = deed is Deed.ADD and held.feature.charge == Charge.UNIT
    addition: Addition | None = None
    refusal = held.offer.refusal if deed is None else ""
    if deed is Deed.ADD and subscription:
        try:
            addition = addition_preview(instance, subscription, held.feature, units)
        except Away:
            refusal = BUSY
        except ServiceError as error:
            refusal = str(error)
    renews_at = subscription.period_ends_at if subscription else None
    told = () if refusal else tuple(consequences(held, deed, addition, renews_at))
    return {
        "choice": Choice(held, deed, told),
        "why_not": refusal,
        "units": units,
        "reckoned_at": addition.preview.reckoned_at if addition else "",
        "asked": asked if is_counted else None,
        "subscription": subscription,
    }


def _is_changing(instance: Instance, held: list[Held]) -> bool:
    return instance.status == InstanceStatus.RUNNING and any(each.stands is Stands.CHANGING for each in held)


def _was_taken_back(instance: Instance) -> bool:
    """Whether the last try to change its features did not succeed, and nobody tries again just now."""
    tries = operations_of(instance).filter(kind=OperationKind.APPLY_FEATURES).values_list("status", flat=True)
    return tries.first() == OperationStatus.UNDONE and not live_operation(instance)


def _headed(membership: Membership, instance: Instance) -> dict[str, Any]:
    return {
        "instance": instance,
        "standing": shown_standing(instance),
        "live": live_operation(instance),
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "standby": standby_view(instance),
        "standby_promise": promise(),
        "instance_tab": "features",
        "tab": "instances",
    }
