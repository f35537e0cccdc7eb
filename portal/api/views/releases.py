"""Releases: what is on offer, and how our own programs import one."""

from typing import ClassVar

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api import examples
from portal.api.idempotency import idempotent
from portal.api.pagination import Cursor
from portal.api.release_serializers import ImportedReleaseDocument, ReleaseDocument, ReleaseSent
from portal.api.schema import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, documented
from portal.api.view import ApiView, valid
from portal.core.models import Scope, StaffScope
from provisioning.models import Release
from provisioning.selectors.releases import release_for, releases_for_customers
from provisioning.services.releases import Terms, release_import

TAG = "Releases"


class LatestFirst(Cursor):
    ordering = "-released_at"


class Releases(ApiView, ListAPIView[Release]):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ, "POST": StaffScope.RELEASES_WRITE}
    serializer_class = ReleaseDocument
    pagination_class = LatestFirst

    def get_queryset(self) -> QuerySet[Release]:
        return releases_for_customers()

    @documented(
        "List releases",
        tag=TAG,
        answer=ReleaseDocument(many=True),
        problems=LIST_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.RELEASE,),
    )
    def get(self, request: Request) -> Response:
        """What your instances can get on the channels early and stable, the latest first."""
        return self.list(request)

    @documented(
        "Import a release",
        tag=TAG,
        sent=ReleaseSent,
        answer=ImportedReleaseDocument,
        status=201,
        problems=WRITE_PROBLEMS,
        scope=StaffScope.RELEASES_WRITE,
        examples=(examples.RELEASE_WISH, examples.IMPORTED_RELEASE),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """The release stands as a draft with its chart, fetched now and kept. Sent again, it is the same release.

        For our own programs: only members of our staff make tokens with this scope.
        """
        wish = valid(ReleaseSent, request.data)
        chart = {"app_version": wish.pop("version"), "chart": wish.pop("chart")}
        version = wish.pop("chart_version")
        release = release_import(actor=self.actor, chart_version=version, terms=Terms(**wish), **chart)
        return self.created(ImportedReleaseDocument(release).data, "api:release", release.app_version)


class ReleaseByVersion(ApiView):
    scopes: ClassVar = {"GET": Scope.INSTANCES_READ}

    @documented(
        "Get a release",
        tag=TAG,
        answer=ReleaseDocument,
        problems=READ_PROBLEMS,
        scope=Scope.INSTANCES_READ,
        examples=(examples.RELEASE,),
    )
    def get(self, _request: Request, version: str) -> Response:
        """One release, if it is on offer. A token that may import releases sees every one."""
        release = release_for(version, is_staff=self.token.bears(StaffScope.RELEASES_WRITE))
        return Response(ReleaseDocument(release).data)
