"""How a page of the admin behaves: it shows, and nobody edits rows by hand."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin, TabularInline

from portal.core.audit import Actor
from portal.core.history import changes_of, has_versions
from portal.core.models import User

PER_PAGE = 50
CHANGES_SHOWN = 100


def acting(request: HttpRequest) -> Actor:
    """Whoever is logged in, as the audit is to know them."""
    if not isinstance(request.user, User):
        raise TypeError("Only somebody who is logged in can act.")
    return Actor(request.user, request.user.email, request.META.get("REMOTE_ADDR"))


class StaffMayLook:
    """Our staff may look at everything here; finer rights there are none."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, _row: Model | None = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)


class NobodyEdits(StaffMayLook):
    def has_add_permission(self, _request: HttpRequest, _row: Model | None = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _row: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Model | None = None) -> bool:
        return False


class Page(StaffMayLook, ModelAdmin):  # type: ignore[misc] # unfold has no types
    """A list and a page for each row. What is not shown is not there: `exclude` nothing, name `fields`."""

    list_per_page = PER_PAGE
    actions = None
    list_fullwidth = True
    compressed_fields = True
    change_list_template = "admin/list.html"
    change_form_template = "admin/page.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        kept = {"has_versions": bool(object_id) and has_versions(self.model)}
        answer: HttpResponseBase = super().changeform_view(
            request, object_id, form_url, {**kept, **(extra_context or {})}
        )
        return answer

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the row was, change by change; nothing that is not kept has such a page."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not has_versions(self.model) or not self.has_view_permission(request, row):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": f"What {row} was",
            "row": row,
            "opts": self.opts,
            "changes": changes_of(row, CHANGES_SHOWN),
            "most": CHANGES_SHOWN,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/versions.html", context)


class ReadOnlyPage(NobodyEdits, Page):
    """Shows rows and lets nobody touch them."""


class ReadOnlyRows(NobodyEdits, TabularInline):  # type: ignore[misc] # unfold has no types
    """Rows that belong to the shown one."""

    extra = 0
    max_num = 0
    can_delete = False
    hide_title = True
    tab = False

    def get_readonly_fields(self, _request: HttpRequest, _row: Any = None) -> Any:
        return self.fields


class NarrowedFilter(admin.SimpleListFilter):
    """A filter that lists only some rows while nothing is chosen; `usual` is what those are called."""

    usual: ClassVar[str]

    def choices(self, changelist: Any) -> Iterator[Any]:
        others = super().choices(changelist)
        yield {**next(others), "display": self.usual}
        yield from others
