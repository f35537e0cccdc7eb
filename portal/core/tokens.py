"""API tokens: shown once when made, then known only by their SHA-256."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Forbidden, Invalid
from portal.core.models import ApiToken, Organization, Scope, StaffScope

PREFIX = "msp_"
LIFETIME = timedelta(days=365)
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def token_create(*, organization: Organization, name: str, scopes: list[str], actor: Actor) -> tuple[ApiToken, str]:
    """A token stands; its secret is answered here and never again.

    Raises Invalid for no name or unknown scopes, Forbidden for scopes of our staff that somebody else asks for.
    """
    if not name.strip():
        raise Invalid("Give the token a name that says what uses it.", field="name")
    if not scopes or set(scopes) - {*Scope.values, *StaffScope.values}:
        raise Invalid("Choose at least one of the scopes in the list.", field="scopes")
    if actor.user is None:
        raise Invalid("A token is made by a person.")
    reserved = set(scopes) & set(StaffScope.values)
    if reserved and not actor.user.is_staff:
        raise Forbidden(f"Only our staff makes tokens with {' and '.join(sorted(reserved))}.", field="scopes")
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            organization=organization,
            created_by=actor.user,
            name=name.strip()[:60],
            hint=secret[:8],
            digest=digest(secret),
            scopes=sorted(set(scopes)),
            expires_at=clock.now() + LIFETIME,
        )
        record("token.create", token, organization_id=organization.pk, actor=actor, details={"scopes": token.scopes})
    return token, secret


def token_revoke(*, token: ApiToken, actor: Actor) -> None:
    """The token is refused from now on. Revoking it again changes nothing."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now()):
            record("token.revoke", token, organization_id=token.organization_id, actor=actor)


def token_for(secret: str) -> ApiToken | None:
    """The living token with this secret, its use noted; None when unknown, revoked or expired."""
    now = clock.now()
    token = (
        ApiToken.objects.select_related("organization", "created_by")
        .filter(digest=digest(secret), revoked_at=None, expires_at__gt=now, created_by__is_active=True)
        .first()
    )
    if token and (token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest(secret: str) -> str:
    """SHA-256 suffices: a secret has 256 random bits, so there is nothing to guess and nothing to stretch."""
    return hashlib.sha256(secret.encode()).hexdigest()
