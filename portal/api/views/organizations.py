"""The organization that a token acts for."""

from typing import ClassVar

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.schema import LIST_PROBLEMS, READ_PROBLEMS, documented
from portal.api.serializers import OrganizationDocument
from portal.api.view import ApiView
from portal.core.errors import NotFound
from portal.core.models import Organization, Scope


class Organizations(ApiView, ListAPIView[Organization]):
    scopes: ClassVar = {"GET": Scope.ORGANIZATIONS_READ}
    serializer_class = OrganizationDocument

    def get_queryset(self) -> QuerySet[Organization]:
        return Organization.objects.filter(pk=self.organization.pk)

    @documented(
        "List organizations",
        tag="Organizations",
        answer=OrganizationDocument(many=True),
        problems=LIST_PROBLEMS,
        scope=Scope.ORGANIZATIONS_READ,
    )
    def get(self, request: Request) -> Response:
        """The organizations that the token may act for: the one it was made in."""
        return self.list(request)


class OrganizationById(ApiView):
    scopes: ClassVar = {"GET": Scope.ORGANIZATIONS_READ}

    @documented(
        "Get an organization",
        tag="Organizations",
        answer=OrganizationDocument,
        problems=READ_PROBLEMS,
        scope=Scope.ORGANIZATIONS_READ,
    )
    def get(self, _request: Request, organization_id: str) -> Response:
        """The organization, if it is yours."""
        if organization_id != self.organization.pk:
            raise NotFound("There is no such organization.")
        return Response(OrganizationDocument(self.organization).data)
