"""Customers that are none: by these addresses the portal tries itself out (decision 25).

Such an address bears a proof that only who has SECRET_KEY can make: a stranger with another address at the same domain
is a customer like any other.
"""

from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.core import ids

SALT: Final = "portal.core.synthetic"
PROOF_DIGITS: Final = 24  # hexadecimal ones; with them a name is shorter than the 64 characters that mail allows


def new_name() -> str:
    """What one such customer is called: nobody has been called so before."""
    return ids.new_id("canary", 12)


def address_of(name: str) -> str:
    """Its mail address, at CANARY_EMAIL_DOMAIN."""
    return f"{name}-{_proof(name)}@{settings.CANARY_EMAIL_DOMAIN}"


def is_synthetic(email: str) -> bool:
    """Whether this is an address that the portal has made for itself."""
    name, domain = email.lower().rpartition("@")[::2]
    name, proof = name.rpartition("-")[::2]
    is_ours = bool(settings.CANARY_EMAIL_DOMAIN) and domain == settings.CANARY_EMAIL_DOMAIN
    return is_ours and constant_time_compare(proof, _proof(name))


def _proof(name: str) -> str:
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()[:PROOF_DIGITS]
