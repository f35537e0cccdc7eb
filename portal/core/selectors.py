"""What is read of customers and their people, scoped by who asks."""

from typing import Final

from django.db.models import QuerySet

from portal.core.errors import NotFound
from portal.core.models import Membership, Organization, Role, User

RUNNERS: Final = frozenset({Role.OWNER, Role.ADMIN})


def membership_of(user: User) -> Membership | None:
    """The person's membership with its organization, or None before they have founded or joined one."""
    return user.memberships.select_related("organization").order_by("created_at").first()


def organization_for(user: User, organization_id: str) -> Organization:
    """An organization that the person belongs to; NotFound for any other."""
    organization = Organization.objects.filter(pk=organization_id, memberships__user=user).first()
    if organization is None:
        raise NotFound("There is no such organization.")
    return organization


def runners_of(organization: Organization) -> QuerySet[User]:
    """Who decides about the organization's instances: its owners and admins, as far as they may log in."""
    theirs = Membership.objects.filter(organization=organization, role__in=RUNNERS)
    return User.objects.filter(is_active=True, pk__in=theirs.values("user")).order_by("email")
