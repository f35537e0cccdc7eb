"""What all views of the API share."""

from typing import Any, ClassVar

import structlog
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from portal.core.audit import Actor
from portal.core.models import ApiToken, Organization


class ApiView(APIView):
    """`scopes` names the scope that each method needs. The token says for which organization."""

    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "patch"]  # type: ignore[misc]
    scopes: ClassVar[dict[str, str]] = {}

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        if not isinstance(token, ApiToken):
            raise TypeError("Only a view behind the token authentication has a token.")
        return token

    @property
    def organization(self) -> Organization:
        return self.token.organization

    @property
    def actor(self) -> Actor:
        """Who acts: the token, in the name of who made it."""
        label = f"{self.token.created_by.email} (token {self.token.hint}…)"
        return Actor(self.token.created_by, label[:254], self.request.META.get("REMOTE_ADDR"))

    def created(self, body: Any, route: str, pk: str, *, status: int = 201) -> Response:
        """An answer that names, as its Location, the thing that the call has made."""
        return Response(body, status=status, headers={"Location": reverse(route, args=[pk], request=self.request)})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if request_id := structlog.contextvars.get_contextvars().get("request_id"):
            response["X-Request-ID"] = request_id
        return response


def valid(serializer: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """What was sent, checked. Raises ValidationError, which is answered with the sentences for each field."""
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
