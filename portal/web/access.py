"""Who may see a page, and who may do what on it."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_required
from django.contrib.auth.middleware import get_user
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from portal.core.audit import Actor
from portal.core.errors import NotFound
from portal.core.models import Membership, Role, User
from portal.core.selectors import RUNNERS, membership_of

P = ParamSpec("P")
MemberView = Callable[Concatenate[HttpRequest, Membership, P], HttpResponseBase]
PAYERS = frozenset({Role.OWNER, Role.BILLING})
ONLY_RUNNERS = "Only an owner or an admin of your organization can do this."


def person(request: HttpRequest) -> User:
    """Who is logged in: the row itself, not the lazy stand-in for it. Call it behind a login check."""
    user = get_user(request)
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def actor_of(request: HttpRequest) -> Actor:
    """The person with the address they come from, as the audit trail wants them."""
    user = person(request)
    return Actor(user, user.email, get_adapter(request).get_client_ip(request))


def may_run(membership: Membership) -> bool:
    """Whether the member may start and delete instances and make tokens for them."""
    return membership.role in RUNNERS


def members_only(view: MemberView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """The view is given the person's membership. Strangers log in first; what is not theirs does not exist."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        membership = membership_of(person(request))
        if membership is None:
            return redirect("organization_new")
        request.membership = membership  # type: ignore[attr-defined]
        try:
            return view(request, membership, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from None

    return guarded


def runners_only(view: MemberView[P]) -> MemberView[P]:
    """Posting is for those who may run instances; looking is for every member. Goes inside `members_only`."""

    @wraps(view)
    def guarded(request: HttpRequest, membership: Membership, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "POST" and not may_run(membership):
            raise PermissionDenied(ONLY_RUNNERS)
        return view(request, membership, *args, **kwargs)

    return guarded
