"""The site that the admin's pages are on."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):  # type: ignore[misc] # unfold has no types
    """The theme's, but for one thing that every page would pay for and few show."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """All models by application, once somebody wants to see them: our sidebar is a list of its own."""
        return SimpleLazyObject(lambda: super(Site, self).get_app_list(request, app_label))
