"""Operations, those that need a person first; each with its steps, every try, and what can be done about it."""

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from portal.core.admin.bulk import PageWithBulk
from portal.core.admin.pages import NobodyEdits
from portal.core.admin.words import duration, when
from provisioning.admin.attention import NEEDS_A_PERSON, with_rank
from provisioning.admin.deeds import CANCEL, NUDGE, RETRY, RETRY_MANY, SKIP, TEAR_DOWN_INSTANCE, UNDO
from provisioning.admin.desk import desk
from provisioning.admin.going_back import RESTORE
from provisioning.admin.links import instance_link, list_address
from provisioning.admin.plans import PageWithPlans
from provisioning.admin.states import operation_pill, seconds_of
from provisioning.admin.steps import step_rows
from provisioning.models import Instance, Operation


class AttentionFilter(admin.SimpleListFilter):
    title = "attention"
    parameter_name = "attention"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("needed", "Needs attention")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Operation]) -> QuerySet[Operation]:
        if self.value() != "needed":
            return rows
        return rows.filter(rank__in=NEEDS_A_PERSON)  # type: ignore[misc] # annotated by the page


@admin.register(Operation)
class OperationPage(NobodyEdits, PageWithBulk, PageWithPlans):
    list_display = ("name", "whose", "state", "began", "lasted", "requested_by", "problem")
    list_display_links = ("name",)
    list_filter = (AttentionFilter, ("status", ChoicesCheckboxFilter), ("kind", ChoicesCheckboxFilter))
    list_filter_submit = True
    search_fields = ("id", "instance__slug", "instance__id", "instance__organization__name")
    search_help_text = "Id, instance or organization"
    fields = (
        ("state", "of"),
        ("kind", "organization"),
        ("requested_by", "reason"),
        ("began", "ended"),
        ("took", "id"),
        "request_id",
    )
    readonly_fields = ("state", "of", "organization", "began", "ended", "took")
    bulk_deeds: ClassVar = (RETRY_MANY,)
    deeds: ClassVar = (RETRY, SKIP, UNDO, RESTORE, NUDGE, CANCEL, TEAR_DOWN_INSTANCE)
    change_form_template = "admin/operation.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.desk_view)
        return [path("desk/", view, name="provisioning_operation_desk"), *super().get_urls()]

    def desk_view(self, request: HttpRequest) -> HttpResponse:
        """What does not get on, why, and what is safe to do about it."""
        instances = self.admin_site.get_model_admin(Instance)
        context = {
            **self.admin_site.each_context(request),
            "title": "Unstick desk",
            "is_fullwidth": "1",
            **desk(request, self, instances),
        }
        return TemplateResponse(request, "admin/desk.html", context)

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Operation]:
        return with_rank(Operation.objects.all()).select_related("instance__organization", "requested_by")

    def get_ordering(self, _request: HttpRequest) -> tuple[str, ...]:
        return ("rank", "-created_at")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        operation = Operation.objects.filter(pk=unquote(object_id)).first()
        context = {**_context(operation), **(extra_context or {})} if operation else extra_context
        answer: HttpResponseBase = super().change_view(request, object_id, form_url, context)
        return answer

    @admin.display(description="Operation", ordering="kind")
    def name(self, operation: Operation) -> SafeString:
        return format_html('{}<br><span class="id whole">{}</span>', operation.kind, operation.pk)

    @admin.display(description="Instance")
    def of(self, operation: Operation) -> SafeString:
        return instance_link(operation.instance)

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, operation: Operation) -> SafeString:
        name = operation.instance.organization.name
        return format_html('{}<br><span class="id">{}</span>', self.of(operation), name)

    @admin.display(description="Organization")
    def organization(self, operation: Operation) -> str:
        return operation.instance.organization.name

    @admin.display(description="Status", ordering="status")
    def state(self, operation: Operation) -> SafeString:
        return operation_pill(operation)

    @admin.display(description="Began", ordering="created_at")
    def began(self, operation: Operation) -> SafeString | str:
        return when(operation.started_at or operation.created_at)

    @admin.display(description="Took")
    def took(self, operation: Operation) -> str:
        return duration(seconds_of(operation))

    @admin.display(description="Problem")
    def problem(self, operation: Operation) -> SafeString:
        return format_html('<span class="clipped" title="{0}">{0}</span>', operation.error)

    @admin.display(description="Ended")
    def ended(self, operation: Operation) -> SafeString | str:
        return when(operation.finished_at)

    @admin.display(description="Took")
    def lasted(self, operation: Operation) -> SafeString:
        return format_html('<span class="tabular">{}</span>', self.took(operation))


def _context(operation: Operation) -> dict[str, Any]:
    """What the page shows below the facts."""
    return {
        "steps": step_rows(operation),
        "spec": json.dumps(operation.wanted, indent=2),
        "audit_address": list_address("core_auditevent", object_id=operation.pk),
    }
