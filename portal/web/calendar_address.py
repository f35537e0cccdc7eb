"""The address of a member's calendar: whoever has it reads what is planned, without logging in.

It is signed, so that none can be guessed, and it is the member's own: it ends with the membership, with the account,
and when its owner makes a new one. A new SECRET_KEY makes all of them new; the old ones go on as long as the old key is
among Django's SECRET_KEY_FALLBACKS.
"""

from typing import NamedTuple

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from portal.core.models import Membership


class Holder(NamedTuple):
    """The key of a membership, and the `calendar_version` of it that an address is good for."""

    membership: int
    version: int


def calendar_address(membership: Membership) -> str:
    """Where a calendar program finds what is planned for the organization's instances."""
    return f"{settings.PORTAL_URL}{reverse('calendar', args=[token_of(membership)])}"


def token_of(membership: Membership) -> str:
    return _signer().sign(f"{membership.pk}-{membership.calendar_version}")


def holder_of(token: str) -> Holder | None:
    """Whom the token was made for, which may be gone or have a new address; None for what is none of ours."""
    try:
        membership, version = _signer().unsign(token).split("-")
    except (BadSignature, ValueError):
        return None
    return Holder(int(membership), int(version))


def _signer() -> Signer:
    return Signer(salt="portal.web.calendar", sep=".")
