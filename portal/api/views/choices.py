"""What can be chosen for a new instance."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.schema import NO_THING_PROBLEMS, documented
from portal.api.serializers import NameDocument, RegionList
from portal.api.view import ApiView
from portal.core.models import Scope
from provisioning.models import Region
from provisioning.services import check_slug


class Regions(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "List regions", tag="Choices", answer=RegionList, problems=NO_THING_PROBLEMS, scope=Scope.INSTANCES_READ
    )
    def get(self, _request: Request) -> Response:
        """Where an instance can run. The choice is for good."""
        regions = [{"name": region.value, "title": region.label} for region in Region]
        return Response(RegionList({"results": regions}).data)


class Name(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Check a name", tag="Choices", answer=NameDocument, problems=NO_THING_PROBLEMS, scope=Scope.INSTANCES_READ
    )
    def get(self, _request: Request, slug: str) -> Response:
        """Whether an instance could bear the name. It is yours only once the instance stands."""
        return Response(NameDocument(check_slug(slug)).data)
