"""Who may see the desk: our own people. To everybody else it does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from portal.core.errors import NotFound
from portal.core.models import User
from portal.core.rights import is_ours
from portal.web.access import person

P = ParamSpec("P")
DeskView = Callable[Concatenate[HttpRequest, User, P], HttpResponse]


def ours_only(view: DeskView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """The view is given the person of ours. Strangers log in first; to customers there is nothing here."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = person(request)
        if not is_ours(user):
            raise Http404("There is no such page.")
        try:
            return view(request, user, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from None

    return guarded
