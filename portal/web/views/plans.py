"""What a deletion would do is asked for before it, and shown as far as it is known."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal.core.errors import NotFound, ServiceError
from portal.core.models import Membership
from portal.web.access import actor_of, members_only, runners_only
from portal.web.planning import PlanStory, story_of
from provisioning.models import Instance, OperationKind, Survey
from provisioning.selectors import instance_for, plan_of, survey_for
from provisioning.services import plan_request

HTMX_STOP_POLLING = 286


@require_POST
@members_only
@runners_only
def deletion_plan_request(request: HttpRequest, membership: Membership, instance_id: str) -> HttpResponse:
    """What the deletion would remove is being looked at; without scripts the answer is the deletion's page."""
    instance = instance_for(membership.organization, instance_id)
    try:
        survey = plan_request(instance=instance, kind=OperationKind.TEARDOWN, actor=actor_of(request))
    except ServiceError as error:
        return render(request, "web/plans/_deletion.html", {"instance": instance, "refusal": str(error)})
    if request.htmx:  # type: ignore[attr-defined] # set by its middleware
        return _fragment(request, instance, survey)
    return redirect(f"{reverse('instance_delete', args=[instance.pk])}?{urlencode({'plan': survey.pk})}")


@require_safe
@members_only
def deletion_plan(request: HttpRequest, membership: Membership, instance_id: str, survey_id: str) -> HttpResponse:
    """The plan alone, for its own polling. Its status tells htmx to ask no more once it is complete."""
    instance = instance_for(membership.organization, instance_id)
    survey = plan_survey(membership, instance, survey_id)
    if survey is None:
        raise NotFound("There is no such plan.")
    return _fragment(request, instance, survey)


def plan_survey(membership: Membership, instance: Instance, survey_id: str) -> Survey | None:
    """The plan of the instance's deletion with that id, if there is one."""
    try:
        survey = survey_for(membership.organization, survey_id)
    except NotFound:
        return None
    is_such = survey.purpose == Survey.Purpose.PLAN and survey.kind == OperationKind.TEARDOWN
    return survey if is_such and survey.instance_id == instance.pk else None


def deletion_story(
    membership: Membership, instance: Instance, survey_id: str
) -> tuple[Survey | None, PlanStory | None]:
    """The plan that the address of the deletion's page names, as far as it is known."""
    survey = plan_survey(membership, instance, survey_id) if survey_id else None
    return survey, story_of(plan_of(survey)) if survey else None


def _fragment(request: HttpRequest, instance: Instance, survey: Survey) -> HttpResponse:
    story = story_of(plan_of(survey))
    context = {"instance": instance, "survey": survey, "plan": story}
    status = HTMX_STOP_POLLING if story.plan.is_done else 200
    return render(request, "web/plans/_deletion.html", context, status=status)
