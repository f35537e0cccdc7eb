"""People close their account."""

from typing import Final

from django.db import transaction

from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.models import ApiToken, Membership, Organization, Role, User
from portal.core.rights import is_ours
from portal.core.tokens import token_revoke
from provisioning.models import InstanceStatus

OURS: Final = "An account of ours is closed by an administrator."


def account_close(*, user: User, confirmation: str, actor: Actor, reason: str = "") -> None:
    """The person belongs to no organization, their tokens are revoked, and nobody logs in as them any more.

    `confirmation` must be their mail address. What they did stays in the audit, and nobody else gets their address.
    Closing it again changes nothing. Raises Invalid for another address, Conflict where an organization would be left
    without an owner who can see to what it has.
    """
    if confirmation.strip().lower() != user.email:
        raise Invalid(f"Type “{user.email}” to confirm.", field="confirmation")
    if is_ours(user):
        raise Conflict(OURS)
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        if not row.is_active:
            return
        for membership in row.memberships.select_related("organization").order_by("pk"):
            _leave(membership, actor)
        for token in ApiToken.objects.filter(created_by=row, revoked_at=None):
            token_revoke(token=token, actor=actor)
        row.is_active = False
        row.set_unusable_password()
        row.save(update_fields=["is_active", "password"])
        record("account.close", row, actor=actor, reason=reason)


def why_not_closed(user: User) -> str:
    """Why the account cannot be closed as things are, as a sentence for its person; "" where it can."""
    if is_ours(user):
        return OURS
    return next(filter(None, map(_why_not_left, user.memberships.select_related("organization"))), "")


def _leave(membership: Membership, actor: Actor) -> None:
    """Of two owners who leave at once the second sees that the first is gone."""
    Organization.objects.select_for_update().get(pk=membership.organization_id)
    if refusal := _why_not_left(membership):
        raise Conflict(refusal)
    record("membership.end", membership, organization_id=membership.organization_id, actor=actor)
    membership.delete()


def _why_not_left(membership: Membership) -> str:
    organization = membership.organization
    others = organization.memberships.exclude(pk=membership.pk).filter(user__is_active=True)
    if others.filter(role=Role.OWNER).exists():
        return ""
    if membership.role == Role.OWNER and others.exists():
        return f"You are the only owner of {organization}. Ask us to make a colleague its owner first."
    living = organization.instances.exclude(status=InstanceStatus.DELETED)
    if not others.exists() and (instance := living.first()):
        return f"You are the only one who looks after “{instance}”. Delete it first, and wait until it is gone."
    return ""
