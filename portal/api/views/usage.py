"""How an instance is used."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from billing.selectors.seats import seat_use
from portal.api import examples
from portal.api.schema import READ_PROBLEMS, documented
from portal.api.usage_serializers import UsageDocument
from portal.api.view import ApiView
from portal.core.models import Scope
from provisioning.selectors import instance_for


class UsageOfInstance(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get an instance's use",
        tag="Instances",
        answer=UsageDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.USAGE,),
    )
    def get(self, _request: Request, instance_id: str) -> Response:
        """Seats in use beside seats paid for, and how many people are active. It is counted once an hour."""
        return Response(UsageDocument(seat_use(instance_for(self.organization, instance_id))).data)
