"""The admin's own content policy, and the pages of other packages that have no place in it.

Unfold's pages are driven by Alpine, which evaluates attributes as code, and carry their colours in an inline style.
For all else the portal's strict policy holds here too: no inline script, nothing from elsewhere.
"""

from collections.abc import Callable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.auth.models import Group

WIDER = csp_update({"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]})
# Rows that could be edited by hand here, and groups: who is in one is said on a person's page, and no other is read.
STRANGERS = (EmailAddress, Authenticator, UserSession, Group)

_strict_view = admin.site.admin_view


def _admin_view(view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002 - Django's signature
    wider: Callable[..., Any] = WIDER(_strict_view(view, cacheable))
    return wider


admin.site.admin_view = _admin_view  # type: ignore[method-assign, assignment]
for stranger in STRANGERS:
    if admin.site.is_registered(stranger):
        admin.site.unregister(stranger)
