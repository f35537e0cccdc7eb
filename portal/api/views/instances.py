"""Instances: listed, started as a trial, looked at, torn down, and what certifies that."""

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from billing.selectors.trials import Waiting
from billing.services.waiting_list import trial_ask
from portal.api import examples
from portal.api.idempotency import idempotent
from portal.api.plan_serializers import CertificateDocument
from portal.api.schema import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, documented
from portal.api.serializers import (
    InstanceDocument,
    InstanceFilter,
    OperationDocument,
    OperationWithSteps,
    TeardownSent,
    TrialSent,
    WaitingDocument,
)
from portal.api.standings import instance_body, with_standings
from portal.api.view import ApiView, valid
from portal.core.errors import NotFound
from portal.core.models import Scope
from provisioning.fleet.certificates import document_of
from provisioning.models import Instance, Operation
from provisioning.selectors import certificate_of, instance_for, instances_of, operations_of
from provisioning.services import instance_delete

TAG = "Instances"


class Instances(ApiView, ListAPIView[Instance]):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ, "POST": Scope.INSTANCES_WRITE}
    serializer_class = InstanceDocument

    def get_queryset(self) -> QuerySet[Instance]:
        return instances_of(self.organization).filter(**valid(InstanceFilter, self.request.query_params))

    def paginate_queryset(self, queryset: QuerySet[Instance]) -> list[Instance]:  # type: ignore[override] # always paged
        return with_standings(super().paginate_queryset(queryset) or [])

    @extend_schema(parameters=[InstanceFilter])
    @documented(
        "List instances",
        tag=TAG,
        answer=InstanceDocument(many=True),
        problems=(*LIST_PROBLEMS, 422),
        scope=Scope.INSTANCES_READ,
        examples=(examples.INSTANCE,),
    )
    def get(self, request: Request) -> Response:
        """Your instances, newest first. Deleted ones stay in the list; filter by `status`."""
        return self.list(request)

    @documented(
        "Start a trial",
        tag=TAG,
        sent=TrialSent,
        answer={201: InstanceDocument, 202: WaitingDocument},
        problems=WRITE_PROBLEMS,
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.TRIAL, examples.INSTANCE, examples.WAITING),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Starts the trial of your organization and its provisioning, which `operation` names: follow it there.

        An organization has one trial, and so has a company: where somebody of your mail domain has had one, the answer
        is a conflict. Where there is no room for another one, it is 202 with your place on the waiting list. The trial
        starts by itself when it is your turn; posting again changes its name or region and keeps the place.
        """
        asked = trial_ask(organization=self.organization, actor=self.actor, **valid(TrialSent, request.data))
        if isinstance(asked, Waiting):
            headers = {"Location": reverse("api:waiting", request=request)}
            return Response(WaitingDocument(asked).data, status=202, headers=headers)
        body = instance_body(instance_for(self.organization, asked.pk), request)
        return self.created(body, "api:instance", asked.pk)


class InstanceById(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get an instance",
        tag=TAG,
        answer=InstanceDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.INSTANCE,),
    )
    def get(self, request: Request, instance_id: str) -> Response:
        """One of your instances."""
        instance = instance_for(self.organization, instance_id)
        return Response(instance_body(instance, request))


class Teardown(ApiView):
    scopes: ClassVar = {"POST": Scope.INSTANCES_WRITE}

    @documented(
        "Delete an instance",
        tag=TAG,
        sent=TeardownSent,
        answer=OperationWithSteps,
        status=202,
        problems=(*WRITE_PROBLEMS, 404),
        scope=Scope.INSTANCES_WRITE,
        examples=(OpenApiExample("By its name", {"confirmation": "acme"}, request_only=True), examples.OPERATION),
    )
    @idempotent
    def post(self, request: Request, instance_id: str) -> Response:
        """Deletes the instance with everything in it, for good. The answer is the operation that does it.

        With a final backup, its databases can be brought back for a while, by us. Git data is not in it.
        """
        asked = valid(TeardownSent, request.data)
        instance = instance_for(self.organization, instance_id)
        operation = instance_delete(instance=instance, actor=self.actor, **asked)
        body = OperationWithSteps(operation, context={"request": request}).data
        return self.created(body, "api:operation", operation.pk, status=202)


class CertificateOfInstance(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get the certificate of deletion",
        tag=TAG,
        answer=CertificateDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.CERTIFICATE,),
    )
    def get(self, _request: Request, instance_id: str) -> Response:
        """What was deleted, when, and how the cloud confirmed that. There is one once the instance is deleted."""
        certificate = certificate_of(instance_for(self.organization, instance_id))
        if certificate is None:
            raise NotFound("There is no certificate: this instance is not deleted.")
        return Response(CertificateDocument(document_of(certificate)).data)


class InstanceOperations(ApiView, ListAPIView[Operation]):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}
    serializer_class = OperationDocument

    def get_queryset(self) -> QuerySet[Operation]:
        return operations_of(instance_for(self.organization, self.kwargs["instance_id"]))

    @documented(
        "List an instance's operations",
        tag=TAG,
        answer=OperationDocument(many=True),
        problems=(*LIST_PROBLEMS, 404),
        scope=Scope.INSTANCES_READ,
    )
    def get(self, request: Request, **_address: str) -> Response:
        """What was and is done to it, newest first."""
        return self.list(request)
