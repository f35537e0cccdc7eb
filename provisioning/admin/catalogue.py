"""What instances are made of: sizes and releases, which admins add and change."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.core.admin.pages import Page, acting
from portal.core.admin.words import when
from portal.core.audit import record
from provisioning.models import Release, Size

LABELS = {
    "node_disk_gb": "Disk, GB",
    "sql_tier": "Tier",
    "sql_disk_gb": "Disk, GB",
    "sql_is_highly_available": "Highly available",
    "gitserver_disk_gb": "Gitserver disk, GB",
    "search_disk_gb": "Search disk, GB",
    "cpu_share_percent": "CPU share, percent",
    "infrastructure_cents": "Infrastructure, US cents a month",
}


class AuditedPage(Page):
    """Staff may add and change rows, each change with its audit event; nobody deletes what instances may refer to."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return self.has_view_permission(request, row)

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, row: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        with transaction.atomic():
            row.save()
            details = {field: str(form.cleaned_data[field]) for field in form.changed_data}
            verb = "change" if change else "add"
            record(f"{self.opts.model_name}.{verb}", row, actor=acting(request), details=details)


@admin.register(Size)
class SizePage(AuditedPage):
    list_display = ("name", "users", "machine_type", "node_count", "sql_tier", "price")
    fieldsets = (
        (None, {"fields": (("name", "position"), ("users", "infrastructure_cents"))}),
        ("Nodes", {"fields": (("machine_type", "node_count"), ("node_disk_gb", "disk_type"))}),
        ("Database", {"fields": (("sql_tier", "sql_disk_gb"), "sql_is_highly_available")}),
        (
            "Application",
            {"fields": (("gitserver_disk_gb", "search_disk_gb"), ("frontend_replicas", "cpu_share_percent"))},
        ),
    )

    def get_form(self, request: HttpRequest, row: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        return super().get_form(request, row, change, labels=LABELS, **kwargs)

    def get_readonly_fields(self, _request: HttpRequest, row: Any = None) -> tuple[str, ...]:
        return ("name",) if row else ()  # it is the key that instances refer to

    @admin.display(description="Infrastructure, list price", ordering="infrastructure_cents")
    def price(self, size: Size) -> str:
        return f"{size.infrastructure_cents / 100:,.0f} USD a month"


@admin.register(Release)
class ReleasePage(AuditedPage):
    list_display = ("app_version", "chart_version", "kind", "channel", "released")
    list_filter = ("kind", "channel")
    search_fields = ("app_version", "chart_version")
    fields = (("app_version", "chart_version"), ("kind", "channel"), "released_at")

    @admin.display(description="Released", ordering="released_at")
    def released(self, release: Release) -> SafeString | str:
        return when(release.released_at)
