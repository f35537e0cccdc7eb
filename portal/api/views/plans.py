"""Plans: what an operation would do, told before it."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api import examples
from portal.api.idempotency import idempotent
from portal.api.plan_serializers import InstancePlanDocument, PlanDocument
from portal.api.schema import NO_THING_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, documented
from portal.api.serializers import PlanSent
from portal.api.view import ApiView, valid
from portal.core.errors import NotFound
from portal.core.models import Scope
from provisioning.models import Size, Survey, Tenancy
from provisioning.selectors import instance_for, plan_for_new, plan_of, survey_for
from provisioning.services import plan_request
from provisioning.services.instances import TRIAL_SIZE

TAG = "Plans"


class InstancePlans(ApiView):
    scopes: ClassVar = {"POST": Scope.INSTANCES_WRITE}

    @documented(
        "Plan an operation",
        tag=TAG,
        sent=PlanSent,
        answer=InstancePlanDocument,
        status=202,
        problems=(*WRITE_PROBLEMS, 404),
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.TEARDOWN_PLAN, examples.PLAN),
    )
    @idempotent
    def post(self, request: Request, instance_id: str) -> Response:
        """Looks at what an operation of this kind would do to the instance, and changes nothing.

        The answer is the plan as far as it is known: follow it at its `url` until `is_done`.
        """
        asked = valid(PlanSent, request.data)
        instance = instance_for(self.organization, instance_id)
        survey = plan_request(instance=instance, actor=self.actor, **asked)
        body = InstancePlanDocument(plan_of(survey), context={"request": request}).data
        return self.created(body, "api:plan", survey.pk, status=202)


class PlanById(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get a plan",
        tag=TAG,
        answer=InstancePlanDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.PLAN,),
    )
    def get(self, request: Request, plan_id: str) -> Response:
        """The plan as far as it is known; ask every second or so until `is_done`."""
        survey = survey_for(self.organization, plan_id)
        if survey.purpose != Survey.Purpose.PLAN:
            raise NotFound("There is no such plan.")
        return Response(InstancePlanDocument(plan_of(survey), context={"request": request}).data)


class TrialPlan(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented("Plan a trial", tag=TAG, answer=PlanDocument, problems=NO_THING_PROBLEMS, scope=Scope.INSTANCES_READ)
    def get(self, _request: Request) -> Response:
        """What starting a trial would make, and how long that takes. Nothing has to be looked at: it is complete."""
        size = Size.objects.get(pk=TRIAL_SIZE)
        return Response(PlanDocument(plan_for_new(size=size, tenancy=Tenancy.DEDICATED)).data)
