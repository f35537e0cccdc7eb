"""API tokens are made, shown once, and revoked."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.errors import ServiceError
from portal.core.models import Membership
from portal.core.tokens import token_create, token_revoke
from portal.web.access import ONLY_RUNNERS, actor_of, may_run, members_only, person, runners_only
from portal.web.forms import TokenForm
from portal.web.once import is_first

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@never_cache
@members_only
@runners_only
def tokens(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The living tokens, and the form for a new one. Posting shows the secret; posting the same form again does not."""
    is_for_staff = person(request).is_staff
    form, made, secret = TokenForm(request.POST or None, is_for_staff=is_for_staff), None, ""
    if request.method == "POST" and form.is_valid():
        if not is_first(form.cleaned_data["key"]):
            messages.info(request, "That token was made already. Its secret is shown only once.")
            return redirect("tokens")
        wish = form.cleaned_data
        try:
            made, secret = token_create(
                organization=membership.organization, name=wish["name"], scopes=wish["scopes"], actor=actor_of(request)
            )
            form = TokenForm(is_for_staff=is_for_staff)
        except ServiceError as error:
            form.refuse(error)
            form.renew_key()
    living = membership.organization.api_tokens.filter(revoked_at=None).select_related("created_by")
    context = {
        "form": form,
        "made": made,
        "secret": secret,
        "page": Paginator(living, PAGE_SIZE).get_page(request.GET.get("page")),
        "may_run": may_run(membership),
        "only_runners": ONLY_RUNNERS,
        "tab": "tokens",
    }
    return render(request, "web/tokens/list.html", context)


@require_POST
@members_only
@runners_only
def token_revoke_page(request: HttpRequest, membership: Membership, token_id: int) -> HttpResponse:
    token = membership.organization.api_tokens.filter(pk=token_id).first()
    if token is None:
        raise Http404
    token_revoke(token=token, actor=actor_of(request))
    messages.success(request, f"“{token.name}” is revoked: what uses it is refused from now on.")
    return redirect("tokens")
