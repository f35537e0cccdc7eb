"""What an error means, and what is said where there is nothing."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.problems import KINDS
from portal.api.view import ApiView
from portal.core.errors import NotFound


@extend_schema(exclude=True)
class ProblemKindByCode(ApiView):
    """The address that is the `type` of a problem, open to all."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, _request: Request, code: str) -> Response:
        kind = KINDS.get(code)
        if kind is None:
            raise NotFound("There is no such kind of problem.")
        return Response({"code": kind.code, "status": kind.status, "title": kind.title, "meaning": kind.meaning})


@extend_schema(exclude=True)
class NothingHere(ApiView):
    """Any other address below /api/, with any method and from anybody: a problem, and not a page."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def http_method_not_allowed(self, *_args: Any, **_kwargs: Any) -> Response:
        raise NotFound("There is nothing at this address. /api/v1/docs/ has all that there is.")
