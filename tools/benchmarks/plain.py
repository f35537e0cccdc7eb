"""The portal with one page more: the plainest that somebody who is signed in can have. To be served by gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - Django has to be set up first
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402

from portal import urls  # noqa: E402
from portal.web.access import members_only  # noqa: E402

settings.ROOT_URLCONF = __name__
ADDRESS = "/plain/"


@members_only
def plain(request: HttpRequest, _membership: object) -> HttpResponse:
    """The base template for whoever is signed in, and nothing in it."""
    return render(request, "base.html")


urlpatterns = [path(ADDRESS.strip("/") + "/", plain), *urls.urlpatterns]
for handler in ("handler400", "handler403", "handler404", "handler500"):
    if hasattr(urls, handler):
        globals()[handler] = getattr(urls, handler)
