"""Operations, for those who wait for them."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api import examples
from portal.api.schema import READ_PROBLEMS, documented
from portal.api.serializers import OperationWithSteps
from portal.api.view import ApiView
from portal.core.models import Scope
from provisioning.selectors import operation_for


class OperationById(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get an operation with its steps",
        tag="Operations",
        answer=OperationWithSteps,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.OPERATION,),
    )
    def get(self, request: Request, operation_id: str) -> Response:
        """How far it is. It is at its end when `finished_at` is set; ask every few seconds until then."""
        operation = operation_for(self.organization, operation_id)
        return Response(OperationWithSteps(operation, context={"request": request}).data)
