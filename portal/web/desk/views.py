"""The desk's pages: what needs a person today, all customers, one customer, and every act as one form."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing.clients.stripe import Away
from billing.models import Grant, Invoice, Reversal, Sale, TrialRequest
from billing.selectors.costs import Costs, costs_of
from billing.selectors.desk import WEEK, Order, Show, cases, customers, living_of
from billing.selectors.entitlements import Held, Stands, held_features
from billing.selectors.seats import seat_uses
from billing.selectors.trials import trial_load, trial_policy, waiting_list
from portal.core import clock
from portal.core.errors import NotFound, ServiceError
from portal.core.models import Organization, User
from portal.core.rights import is_manager
from portal.web.access import actor_of
from portal.web.desk.access import ours_only
from portal.web.desk.acts import ACTS
from portal.web.standing import live_operation, standing_of, with_latest_operation
from portal.web.using import Use, use_of
from portal.web.views.subscriptions import BUSY
from provisioning.fleet.figures import ACTIVE_WEEK
from provisioning.health.uptime import open_outages, probes_since
from provisioning.models import Instance, InstanceStatus, Outage, Usage
from provisioning.selectors import instances_of
from provisioning.selectors.usage import newest_usages

PAGE_SIZE: Final = 25
EVENTS: Final = 20
INVOICES: Final = 6
MONTH: Final = timedelta(days=30)
TARGETS: Final[dict[str, QuerySet[Any]]] = {
    "instances": Instance.objects.select_related("organization", "size", "release"),
    "grants": Grant.objects.select_related("instance__organization", "feature"),
    "sales": Sale.objects.select_related(
        "instance__organization", "instance__size", "instance__release", "proposed_by"
    ),
    "requests": TrialRequest.objects.select_related("organization", "requested_by"),
    "organizations": Organization.objects.all(),
}


@require_safe
@never_cache
@ours_only
def today(request: HttpRequest, user: User) -> HttpResponse:
    """What needs a person."""
    context = {"cases": cases(clock.now()), "policy": trial_policy(), "load": trial_load()}
    return render(request, "desk/today.html", {**context, **_shared(user, "today")})


@require_safe
@never_cache
@ours_only
def customer_list(request: HttpRequest, user: User) -> HttpResponse:
    """All customers, found and sorted; the address says how."""
    show = _choice(Show, request.GET.get("show"), Show.ALL)
    order = _choice(Order, request.GET.get("order"), Order.DAYS_LEFT if show is Show.TRIALS else Order.NAME)
    wanted = request.GET.get("q", "")
    page = Paginator(customers(show, order, wanted), PAGE_SIZE).get_page(request.GET.get("page"))
    living = [each for row in page for each in living_of(row)]
    costs, counts = costs_of(living, clock.now()), newest_usages(each.pk for each in living)
    asked = request.GET.copy()
    asked.pop("page", None)
    context = {
        "page": page,
        "rows": [
            (row, [(each, costs[each.pk], _activity(counts.get(each.pk))) for each in living_of(row)]) for row in page
        ],
        "show": show,
        "order": order,
        "wanted": wanted,
        "shows": list(Show),
        "orders": list(Order),
        "query": f"{asked.urlencode()}&" if asked else "",
    }
    return render(request, "desk/customers.html", {**context, **_shared(user, "customers")})


@require_safe
@never_cache
@ours_only
def waiting(request: HttpRequest, user: User) -> HttpResponse:
    """Who waits for a trial, in order."""
    context = {"requests": waiting_list(), "policy": trial_policy(), "load": trial_load()}
    return render(request, "desk/waiting.html", {**context, **_shared(user, "waiting")})


@require_safe
@never_cache
@ours_only
def customer(request: HttpRequest, user: User, organization_id: str) -> HttpResponse:
    """One customer: people, trial life, use, health, money, features, history."""
    organization = _found("organizations", organization_id)
    instances = with_latest_operation(instances_of(organization)).exclude(status=InstanceStatus.DELETED)
    living, now = list(instances.select_related("upkeep")), clock.now()
    costs, outages = costs_of(living, now), open_outages(each.pk for each in living)
    looks, uses = probes_since((each.pk, now - MONTH) for each in living), seat_uses(living)
    context = {
        "organization": organization,
        "members": organization.memberships.select_related("user").order_by("created_at"),
        "cards": [
            _card(each, costs[each.pk], looks.get(each.pk, (0, 0)), outages.get(each.pk), use_of(each, uses[each.pk]))
            for each in living
        ],
        "request_waiting": waiting_list().filter(organization=organization).first(),
        "invoices": Invoice.objects.filter(account=organization.pk).exclude(status="draft")[:INVOICES],
        "reversals": Reversal.objects.filter(account=organization.pk),
        "sales": Sale.objects.filter(instance__organization=organization).select_related("proposed_by", "instance"),
        "events": organization.audit_events.all()[:EVENTS],
    }
    return render(request, "desk/customer.html", {**context, **_shared(user, "customers")})


@require_http_methods(["GET", "POST"])
@never_cache
@ours_only
def act(request: HttpRequest, user: User, kind: str, target_id: str, name: str) -> HttpResponse:
    """One act: first what it asks, then what comes of it, and only then it is done."""
    wanted = ACTS.get((kind, name))
    if wanted is None:
        raise NotFound("There is no such act.")
    target = _found(kind, target_id)
    form = wanted.form(target, request.POST or None)
    told: tuple[str, ...] = ()
    if form.is_valid():
        try:
            told = tuple(wanted.consequences(target, form))
            if "act" in request.POST:
                messages.success(request, wanted.do(target, form, actor_of(request)))
                return redirect("desk_customer", _organization(target).pk)
        except Away:
            form.add_error(None, BUSY)
        except ServiceError as error:
            form.refuse(error)
    context = {"act": wanted, "form": form, "told": told, "target": target, "organization": _organization(target)}
    return render(request, "desk/act.html", {**context, **_shared(user, "customers")})


def _activity(counted: Usage | None) -> int | None:
    """People active in 7 days by a count that is no older than that."""
    is_recent = counted is not None and clock.now().date() - counted.day < WEEK
    return counted.figure(ACTIVE_WEEK) if counted and is_recent else None


def _card(instance: Instance, costs: Costs, looks: tuple[int, int], outage: Outage | None, use: Use) -> dict[str, Any]:
    """`looks` are how often it was looked at from outside, and how often that failed."""
    now = clock.now()
    held = held_features(instance, now)
    return {
        "instance": instance,
        "standing": standing_of(instance),
        "live": live_operation(instance),
        "upkeep": getattr(instance, "upkeep", None),
        "extensions": list(instance.trial_extensions.select_related("by")),
        "costs": costs,
        "features": [each for each in held if _is_had(each)],
        "grants": instance.grants.filter(until__isnull=True) | instance.grants.filter(until__gt=now),
        "outage": outage,
        "looks": looks[0],
        "failed": looks[1],
        "use": use,
    }


def _is_had(held: Held) -> bool:
    return held.stands in {Stands.ON, Stands.CHANGING} or held.entitlement is not None


def _found(kind: str, pk: str) -> Any:
    rows = TARGETS.get(kind)
    if rows is None:
        raise NotFound("There is no such page.")
    if kind in {"grants", "sales", "requests"} and not pk.isdigit():
        raise NotFound("There is no such row.")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such row.")
    return found


def _organization(target: Any) -> Organization:
    if isinstance(target, Organization):
        return target
    owner: Organization = target.organization if hasattr(target, "organization") else target.instance.organization
    return owner


def _shared(user: User, tab: str) -> dict[str, Any]:
    return {"desk_tab": tab, "is_manager": is_manager(user)}


def _choice(of: Any, given: str | None, usual: Any) -> Any:
    return of(given) if given in list(of) else usual
