"""What a deed would do, shown on its confirmation page: looked at in the background, asked for until it is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode

from portal.core.admin.deeds import Deed, DeedForm, PageWithDeeds
from portal.core.admin.pages import acting
from portal.core.admin.words import duration
from portal.core.errors import ServiceError
from provisioning.admin.differences import Difference, differences
from provisioning.models import Instance, Survey
from provisioning.selectors import Effect, Plan, PlanLine, plan_of
from provisioning.services import plan_request
from provisioning.spec import InstanceSpec

SHOWN_FIRST = (
    (Effect.REMOVE, "Removed"),
    (Effect.CHANGE, "Changed"),
    (Effect.MAKE, "Made"),
    (Effect.UNCLEAR, "Could not be looked at"),
)
SHOWN_FOLDED = ((Effect.KEEP, "Kept as it is"), (Effect.GONE, "Gone already"), (Effect.CHECK, "Only watched"))


@dataclass(frozen=True)
class PlannedDeed(Deed):
    """A deed that begins an operation of `kind`.

    `choice` names the form's field that the plan depends on, if any; `wanted` the service that makes a spec of it.
    """

    kind: str = ""
    choice: str = ""
    wanted: Callable[[Instance, Any], InstanceSpec] | None = None


@dataclass(frozen=True)
class Line:
    """One object; `why` is set where its settings do not say it already."""

    title: str
    resource: str
    why: str
    changes: tuple[Difference, ...]


@dataclass(frozen=True)
class Group:
    """Lines with the same effect."""

    effect: Effect
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class PlanView:
    """A plan in words."""

    plan: Plan
    first: tuple[Group, ...]
    folded: tuple[Group, ...]
    counts: tuple[tuple[str, int], ...]
    takes: str
    downtime: str
    price: str


def instance_of(target: Any) -> Instance:
    """The instance that an operation, a survey or the like is about, or that it is."""
    instance: Instance = target if isinstance(target, Instance) else target.instance
    return instance


def view_of(plan: Plan) -> PlanView:
    """The plan as the page shows it."""
    groups = {effect: tuple(_line(line) for line in plan.lines if line.effect is effect) for effect in Effect}
    kept = len(groups[Effect.KEEP])
    return PlanView(
        plan=plan,
        first=tuple(Group(effect, title, groups[effect]) for effect, title in SHOWN_FIRST if groups[effect]),
        folded=tuple(Group(effect, title, groups[effect]) for effect, title in SHOWN_FOLDED if groups[effect]),
        counts=(
            ("made", len(plan.made)),
            ("changed", len(plan.changed)),
            ("removed", len(plan.removed)),
            ("kept", kept),
        ),
        takes=f"about {duration(plan.expected_seconds)}" if plan.expected_seconds else "nothing to do",
        downtime=_downtime(plan),
        price=_price(plan),
    )


class PageWithPlans(PageWithDeeds):
    """Its rows have deeds that show their plan before they are confirmed."""

    def get_urls(self) -> list[URLPattern]:
        name, view = f"{self.opts.app_label}_{self.opts.model_name}", self.admin_site.admin_view
        route = "<path:object_id>/do/<slug:deed_name>/plan/"
        return [
            path(f"{route}<slug:survey_id>/", view(self.plan_view), name=f"{name}_plan"),
            path(route, view(self.plan_request_view), name=f"{name}_planrequest"),
            *super().get_urls(),
        ]

    def plan_request_view(self, request: HttpRequest, object_id: str, deed_name: str) -> HttpResponse:
        """The plan of the deed, with the choice as it is on the form, is being looked at."""
        target, deed = self._planned(request, object_id, deed_name)
        page = self._address("deed", target, deed.name)
        if request.method != "POST":
            return redirect(page)
        chosen = request.POST.get(deed.choice, "") if deed.choice else ""
        try:
            survey = self._ask_for_plan(request, target, deed, chosen)
        except (ServiceError, ValidationError) as error:
            return self._refused(request, page, deed, chosen, error)
        if request.htmx:  # type: ignore[attr-defined] # set by its middleware
            return self._fragment(request, target, deed, survey)
        return redirect(f"{page}?{urlencode({'plan': survey.pk, **({deed.choice: chosen} if chosen else {})})}")

    def plan_view(self, request: HttpRequest, object_id: str, deed_name: str, survey_id: str) -> HttpResponse:
        """The plan as far as it is known."""
        target, deed = self._planned(request, object_id, deed_name)
        survey = _plan_survey(target, deed, survey_id)
        if survey is None:
            raise Http404
        return self._fragment(request, target, deed, survey)

    def beside(self, request: HttpRequest, deed: Deed, target: Any, form: DeedForm) -> dict[str, Any]:
        if not isinstance(deed, PlannedDeed):
            return super().beside(request, deed, target, form)
        known = request.POST.get("plan") or request.GET.get("plan") or ""
        survey = _plan_survey(target, deed, known)
        context = self._plan_context(target, deed, survey) if survey else {}
        has_choice = not deed.choice or bool(form[deed.choice].value())
        return {
            **context,
            "plan_request_address": self._address("planrequest", target, deed.name),
            "plan_choice": form[deed.choice] if deed.choice else None,
            "asks_at_once": has_choice and survey is None,
        }

    def chosen(self, request: HttpRequest, deed: Deed) -> dict[str, str]:
        choice = deed.choice if isinstance(deed, PlannedDeed) else ""
        return {choice: request.GET[choice]} if choice and choice in request.GET else {}

    def _planned(self, request: HttpRequest, object_id: str, deed_name: str) -> tuple[Any, PlannedDeed]:
        target, deed = self.target_and_deed(request, object_id, deed_name)
        if not isinstance(deed, PlannedDeed):
            raise Http404
        return target, deed

    def _ask_for_plan(self, request: HttpRequest, target: Any, deed: PlannedDeed, chosen: str) -> Survey:
        instance, wanted = instance_of(target), None
        if deed.wanted:
            choice = deed.form(target=target).fields[deed.choice].clean(chosen) if deed.choice else None
            wanted = deed.wanted(instance, choice)
        return plan_request(instance=instance, kind=deed.kind, actor=acting(request), wanted=wanted)

    def _refused(
        self, request: HttpRequest, page: str, deed: PlannedDeed, chosen: str, error: ServiceError | ValidationError
    ) -> HttpResponse:
        sentence = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        if not chosen and deed.choice:
            sentence = ""
        if request.htmx:  # type: ignore[attr-defined] # set by its middleware
            return TemplateResponse(request, "admin/plan.html", {"refusal": sentence, "needs_choice": not sentence})
        return redirect(f"{page}?{urlencode({deed.choice: chosen})}" if chosen else page)

    def _fragment(self, request: HttpRequest, target: Any, deed: PlannedDeed, survey: Survey) -> HttpResponse:
        return TemplateResponse(request, "admin/plan.html", self._plan_context(target, deed, survey))

    def _plan_context(self, target: Any, deed: PlannedDeed, survey: Survey) -> dict[str, Any]:
        return {
            "shown": view_of(plan_of(survey)),
            "survey": survey,
            "plan_address": self._address("plan", target, deed.name, survey.pk),
        }


def _plan_survey(target: Any, deed: PlannedDeed, survey_id: str) -> Survey | None:
    """Only a plan of this very deed, of this very instance."""
    plans = Survey.objects.filter(purpose=Survey.Purpose.PLAN, kind=deed.kind, instance=instance_of(target))
    return plans.select_related("instance").filter(pk=survey_id).first() if survey_id else None


def _line(line: PlanLine) -> Line:
    """What goes is gone whatever its settings are."""
    changes = () if line.effect is Effect.REMOVE else differences(line.changes)
    says_more = line.effect in {Effect.UNCLEAR, Effect.CHANGE} and not changes
    return Line(line.title, line.resource, line.sentence if says_more else "", changes)


def _downtime(plan: Plan) -> str:
    if plan.downtime_seconds is None:
        return "it does not come back" if plan.is_for_good else "until it is resumed"
    return f"about {duration(plan.downtime_seconds)}" if plan.downtime_seconds else "none"


def _price(plan: Plan) -> str:
    """The difference a month, with what it was and will be; the list price of what we pay for."""
    if not plan.is_priced:
        return f"{_dollars(plan.cents_after)} USD a month while it runs; less while it is suspended"
    if not plan.cents_difference:
        return f"unchanged, {_dollars(plan.cents_after)} USD a month"
    sign = "+" if plan.cents_difference > 0 else "\N{MINUS SIGN}"
    change = f"{sign}{_dollars(abs(plan.cents_difference))} USD a month"
    return f"{change} ({_dollars(plan.cents_before)} \N{RIGHTWARDS ARROW} {_dollars(plan.cents_after)})"


def _dollars(cents: int) -> str:
    return f"{cents / 100:,.0f}"
