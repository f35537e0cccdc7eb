"""Exports of an instance's databases: asked for, listed, and fetched."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api import examples
from portal.api.feature_serializers import ExportList, ExportPlaceDocument
from portal.api.idempotency import idempotent
from portal.api.schema import READ_PROBLEMS, WRITE_PROBLEMS, documented
from portal.api.serializers import OperationWithSteps
from portal.api.view import ApiView
from portal.core.models import Scope
from provisioning.fleet.exports import exports_of
from provisioning.selectors import instance_for
from provisioning.services.exports import FETCHED_WITHIN_SECONDS, export_fetch, export_refusal, instance_export

TAG = "Exports"


class Exports(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ, "POST": Scope.INSTANCES_WRITE}

    @documented(
        "List an instance's exports",
        tag=TAG,
        answer=ExportList,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.EXPORTS,),
    )
    def get(self, request: Request, instance_id: str) -> Response:
        """What is kept just now, the newest first."""
        instance = instance_for(self.organization, instance_id)
        shown = {"refusal": export_refusal(instance), "results": exports_of(instance)}
        return Response(ExportList(shown, context={"request": request, "instance_id": instance.pk}).data)

    @documented(
        "Export an instance's databases",
        tag=TAG,
        answer=OperationWithSteps,
        status=202,
        problems=(*WRITE_PROBLEMS, 404),
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.OPERATION,),
    )
    @idempotent
    def post(self, request: Request, instance_id: str) -> Response:
        """The answer is the operation that writes it. Nobody notices it; one can be had every six hours."""
        operation = instance_export(instance=instance_for(self.organization, instance_id), actor=self.actor)
        body = OperationWithSteps(operation, context={"request": request}).data
        return self.created(body, "api:operation", operation.pk, status=202)


class ExportFile(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_WRITE}

    @documented(
        "Get the address of an exported database",
        tag=TAG,
        answer=ExportPlaceDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_WRITE,
        examples=(examples.EXPORT_PLACE,),
    )
    def get(self, _request: Request, instance_id: str, key: str, database: str) -> Response:
        """Compressed SQL. The address needs no token and holds for ten minutes. That it was given out is audited."""
        instance = instance_for(self.organization, instance_id)
        address = export_fetch(instance=instance, key=key, database=database, actor=self.actor)
        return Response(ExportPlaceDocument({"url": address, "expires_in_seconds": FETCHED_WITHIN_SECONDS}).data)
