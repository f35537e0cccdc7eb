"""A person closes their account."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.core.errors import ServiceError
from portal.web.access import actor_of, person
from portal.web.forms import CloseForm
from provisioning.services.accounts import account_close, why_not_closed


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def account_close_page(request: HttpRequest) -> HttpResponse:
    """Closes the account once its address has been typed; says before what goes and what stays."""
    user = person(request)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            account_close(user=user, actor=actor_of(request), **form.cleaned_data)
        except ServiceError as error:
            form.refuse(error)
        else:
            logout(request)
            messages.success(request, "Your account is closed.")
            return redirect("account_login")
    return render(request, "web/account_close.html", {"form": form, "refusal": why_not_closed(user)})
