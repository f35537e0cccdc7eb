"""Who calls: a program with a bearer token."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.core.models import ApiToken, User
from portal.core.tokens import token_for


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer msp_…`. The user is who made the token; the token itself is `request.auth`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _, secret = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if not kind:
            return None
        token = token_for(secret.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise AuthenticationFailed("This token is unknown, revoked or expired. Make a new one in the portal.")
        return token.created_by, token

    def authenticate_header(self, _request: Request) -> str:
        return 'Bearer realm="api"'
