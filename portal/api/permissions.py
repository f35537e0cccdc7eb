"""What a token may do."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.core.models import ApiToken

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this class


class MissingScope(PermissionDenied):
    """The token is good, but was made for less."""

    default_code = "missing_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token lacks the scope {scope}. Make one that has it.")
        self.scope = scope


class HasScope(BasePermission):
    """The token bears the scope that the view names for the method, in `scopes`. A method without one is refused."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        method = str(request.method)
        if not isinstance(request.auth, ApiToken):
            return False
        scope = getattr(view, "scopes", {}).get("GET" if method == "HEAD" else method)
        if scope is None:
            return method not in view.allowed_methods  # what the view does not know is answered with 405
        if not request.auth.bears(scope):
            raise MissingScope(scope)
        return True
