"""The waiting list for trials."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from billing.selectors.trials import waiting_of
from portal.api import examples
from portal.api.schema import READ_PROBLEMS, documented
from portal.api.serializers import WaitingDocument
from portal.api.view import ApiView
from portal.core.errors import NotFound
from portal.core.models import Scope


class WaitingPlace(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get your place on the waiting list",
        tag="Instances",
        answer=WaitingDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.WAITING,),
    )
    def get(self, _request: Request) -> Response:
        """Your organization's place, while it waits for its trial. Once that has started, it is among instances."""
        waiting = waiting_of(self.organization)
        if waiting is None:
            raise NotFound("Your organization does not wait for a trial.")
        return Response(WaitingDocument(waiting).data)
