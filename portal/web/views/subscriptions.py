"""What an instance costs its people, and how they subscribe: the money itself is taken by Stripe's own pages."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.clients.stripe import Away
from billing.models import Account, Subscription
from billing.selectors.offers import feature_offers, plan_offers
from billing.selectors.seats import seat_use
from billing.selectors.standings import standing_of
from billing.selectors.subscriptions import invoices_of, subscription_of
from billing.services.buying import bought, checkout_begin, portal_visit, quote
from billing.services.changing import (
    SeatChange,
    seats_of,
    seats_preview,
    seats_set,
    subscription_end,
    subscription_go_on,
)
from billing.services.planning import PlanChange, plan_choices, plan_preview, plan_set
from portal.core import clock
from portal.core.errors import NotFound, ServiceError
from portal.core.models import Membership
from portal.web.access import PAYERS, actor_of, members_only
from portal.web.forms import ReckonedForm
from portal.web.once import new_key
from portal.web.standing import live_operation
from portal.web.standing import standing_of as shown_standing
from portal.web.subscribing import EndForm, PlanForm, SeatsForm, SubscribeForm
from portal.web.using import use_of
from portal.web.views.instances import shown_instance
from provisioning.models import Instance, InstanceStatus

ONLY_PAYERS = "Only an owner, or whoever looks after money for your organization, can do this."
BUSY = "Stripe does not answer just now. Nothing was charged; try again in a minute."


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
def instance_subscription(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """The page; posting leads to Stripe's page on which it is paid for."""
    instance = shown_instance(membership, instance_id)
    picked = set(instance.opt_ins.values_list("feature", flat=True))
    form = SubscribeForm(plan_offers(instance), feature_offers(instance), request.POST or None, picked)
    if request.method == "POST":
        _payers_only(membership)
        if form.is_valid():
            try:
                page = checkout_begin(
                    instance=instance, wish=form.wish(), back=_address(request, instance), actor=actor_of(request)
                )
            except Away:
                form.add_error(None, BUSY)
            except ServiceError as error:
                form.refuse(error)
            else:
                return redirect(page)
    elif "paid" in request.GET and instance.status != InstanceStatus.DELETED:
        bought(instance)
    return render(request, "web/subscriptions/detail.html", _told(request, membership, instance, form))


@require_GET
@never_cache
@members_only
def subscription_quote(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """What comes to what, while it is being chosen."""
    instance = shown_instance(membership, instance_id)
    form = SubscribeForm(plan_offers(instance), feature_offers(instance), request.GET)
    return render(request, "web/subscriptions/_quote.html", _reckoned(instance, form))


@require_POST
@members_only
def payment_page(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """To Stripe's page with cards and invoices."""
    instance = shown_instance(membership, instance_id)
    _payers_only(membership)
    try:
        back = _address(request, instance)
        return redirect(portal_visit(organization=membership.organization, back=back, actor=actor_of(request)))
    except Away:
        messages.error(request, BUSY)
    except ServiceError as error:
        messages.error(request, str(error))
    return redirect("instance_subscription", instance.pk)


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
def subscription_seats(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """Another number of seats: first what it means, with what is due at once; then it is asked for."""
    instance, subscription = _subscribed(membership, instance_id)
    asked = request.POST if request.method == "POST" else request.GET if "seats" in request.GET else None
    form, change = SeatsForm(asked, initial={"seats": seats_of(subscription)}), None
    if request.method == "POST":
        _payers_only(membership)
    if form.is_valid():
        seats = form.cleaned_data["seats"]
        try:
            if request.method == "POST":
                change = seats_set(
                    subscription=subscription, seats=seats, actor=actor_of(request), **_reckoned_as(form)
                )
                messages.success(request, _said(change))
                return redirect("instance_subscription", instance.pk)
            change = seats_preview(subscription, seats)
        except Away:
            form.add_error(None, BUSY)
        except ServiceError as error:
            form.refuse(error)
    context = {"form": form, "change": change, "key": new_key(), "subscription": subscription}
    return render(request, "web/subscriptions/seats.html", {**context, **_headed(membership, instance)})


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
def subscription_plan(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """Another plan: first what it means, with what is due at once; then it is asked for."""
    instance, subscription = _subscribed(membership, instance_id)
    asked = request.POST if request.method == "POST" else request.GET if "plan" in request.GET else None
    form = PlanForm(plan_choices(instance, subscription), asked)
    change: PlanChange | None = None
    if request.method == "POST":
        _payers_only(membership)
    if form.is_valid():
        plan = form.cleaned_data["plan"]
        try:
            if request.method == "POST":
                wanted = {"instance": instance, "subscription": subscription, "plan": plan, **_reckoned_as(form)}
                change = plan_set(**wanted, actor=actor_of(request))
                messages.success(request, _said_of_plan(change))
                return redirect("instance_subscription", instance.pk)
            change = plan_preview(instance, subscription, plan)
        except Away:
            form.add_error(None, BUSY)
        except ServiceError as error:
            form.refuse(error)
    context = {"form": form, "change": change, "key": new_key(), "subscription": subscription}
    return render(request, "web/subscriptions/plan.html", {**context, **_headed(membership, instance)})


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
def subscription_end_page(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """The subscription ends with its period; says before what becomes of the instance then."""
    instance, subscription = _subscribed(membership, instance_id)
    form = EndForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        _payers_only(membership)
        if form.is_valid():
            try:
                reason = form.cleaned_data["reason"]
                subscription_end(subscription=subscription, actor=actor_of(request), reason=reason)
            except Away:
                form.add_error(None, BUSY)
            except ServiceError as error:
                form.refuse(error)
            else:
                messages.success(
                    request, "It ends with the period that is paid for; until then you can take that back."
                )
                return redirect("instance_subscription", instance.pk)
    context = {"form": form, "subscription": subscription, "kept_days": settings.SUBSCRIPTION_KEPT_DAYS}
    return render(request, "web/subscriptions/end.html", {**context, **_headed(membership, instance)})


@require_POST
@members_only
def subscription_go_on_page(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """It does not end after all."""
    instance, subscription = _subscribed(membership, instance_id)
    _payers_only(membership)
    try:
        subscription_go_on(subscription=subscription, actor=actor_of(request))
    except Away:
        messages.error(request, BUSY)
    except ServiceError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It goes on.")
    return redirect("instance_subscription", instance.pk)


def _subscribed(membership: Membership, instance_id: str) -> tuple[Instance, Subscription]:
    """NotFound for an instance that is not theirs, or has no subscription."""
    instance = shown_instance(membership, instance_id)
    subscription = subscription_of(instance)
    if subscription is None:
        raise NotFound("This instance has no subscription.")
    return instance, subscription


def _said(change: SeatChange) -> str:
    if change.at:
        return f"From {change.at:%-d %B %Y} on there are {change.wanted:,} seats."
    return f"{change.wanted:,} seats: they are there as soon as they are paid for, which takes some seconds."


def _reckoned_as(form: ReckonedForm) -> dict[str, Any]:
    return {"key": form.cleaned_data["key"] or new_key(), "reckoned_at": form.cleaned_data["reckoned_at"]}


def _said_of_plan(change: PlanChange) -> str:
    if change.at:
        return f"It is {change.after} from {change.at:%-d %B %Y} on."
    return f"It is {change.after} as soon as that is charged, which takes some seconds."


def _headed(membership: Membership, instance: Instance) -> dict[str, Any]:
    """What the head of an instance's page needs."""
    return {
        "instance": instance,
        "standing": shown_standing(instance),
        "live": live_operation(instance),
        "may_pay": membership.role in PAYERS,
        "only_payers": ONLY_PAYERS,
        "instance_tab": "subscription",
        "tab": "instances",
    }


def _payers_only(membership: Membership) -> None:
    if membership.role not in PAYERS:
        raise PermissionDenied(ONLY_PAYERS)


def _address(request: HttpRequest, instance: Instance) -> str:
    return request.build_absolute_uri(reverse("instance_subscription", args=[instance.pk]))


def _told(request: HttpRequest, membership: Membership, instance: Instance, form: SubscribeForm) -> dict[str, Any]:
    subscription = subscription_of(instance)
    return {
        **_headed(membership, instance),
        "stands": standing_of(instance, clock.now()),
        "subscription": subscription,
        "invoices": invoices_of(membership.organization),
        "use": None if instance.status == InstanceStatus.DELETED else use_of(instance, seat_use(instance)),
        "has_account": Account.objects.filter(organization=membership.organization).exists(),
        "is_back": subscription is None and bool({"paid", "waiting"} & request.GET.keys()),
        "form": form,
        **_reckoned(instance, form),
    }


def _reckoned(instance: Instance, form: SubscribeForm) -> dict[str, Any]:
    """The quote for what is chosen, or the sentence why there is none."""
    wish = form.wish_so_far()
    if wish is None:
        return {"quote": None, "refusal": "Choose a plan, and how many seats."}
    try:
        return {"quote": quote(instance, wish), "refusal": ""}
    except ServiceError as error:
        return {"quote": None, "refusal": str(error)}
