"""Drift: what of a running instance is not as its spec says, and how to mend it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core.admin.pages import NarrowedFilter, NobodyEdits
from portal.core.admin.words import NOTHING, pill, when
from provisioning.admin.changes import CHECK, REPAIR
from provisioning.admin.differences import Difference, differences
from provisioning.admin.links import address_of, instance_link
from provisioning.admin.plans import PageWithPlans
from provisioning.engine.survey import Finding, Verdict
from provisioning.models import Instance, Survey
from provisioning.selectors import drift_of, findings_of, is_under_way

WORST_FIRST = (
    Verdict.MISSING, Verdict.DIFFERS, Verdict.UNCLEAR, Verdict.UNDER_WAY, Verdict.FOLLOWS, Verdict.STANDS,
)  # fmt: skip
AS_WANTED = {Verdict.STANDS, Verdict.FOLLOWS, Verdict.UNDER_WAY}
PILLS = {Verdict.STANDS: "as wanted", Verdict.UNDER_WAY: "under way"}


@dataclass(frozen=True)
class FindingRow:
    """One resource, and what a look said of it."""

    finding: Finding
    state: SafeString
    changes: tuple[Difference, ...]

    @property
    def says_more(self) -> bool:
        return not self.changes and self.finding.verdict is not Verdict.STANDS


class ShownFilter(NarrowedFilter):
    """Without it only what drifts is listed."""

    usual = "Drift"
    title = "found"
    parameter_name = "found"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("unclear", "Something unclear"), ("all", "All checks")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Survey]) -> QuerySet[Survey]:
        shown = {None: {"differing__gt": 0}, "unclear": {"unclear__gt": 0}}
        return rows.filter(**shown.get(self.value(), {}))


@admin.register(Survey)
class DriftPage(NobodyEdits, PageWithPlans):
    list_display = ("whose", "state", "found", "first_found", "checked")
    list_display_links = ("whose",)
    list_filter = (ShownFilter,)
    search_fields = ("instance__slug", "instance__id", "instance__organization__name")
    search_help_text = "Instance, its id or organization"
    ordering = ("-differing", "-finished_at")
    fields = (("of", "organization"), ("found", "state"), ("checked", "next_check"))
    readonly_fields = ("of", "organization", "found", "state", "checked", "next_check")
    deeds: ClassVar = (REPAIR, CHECK)
    change_form_template = "admin/drift.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Survey]:
        rows: QuerySet[Survey] = super().get_queryset(request)
        drift = rows.filter(purpose=Survey.Purpose.DRIFT).defer("outputs", "previous")
        return drift.select_related("instance__organization")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Drift", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        survey = self.get_queryset(request).filter(pk=unquote(object_id)).first()
        context = {**_context(survey), **(extra_context or {})} if survey else extra_context
        answer: HttpResponseBase = super().change_view(request, object_id, form_url, context)
        return answer

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, survey: Survey) -> SafeString:
        name = survey.instance.organization.name
        return format_html('{}<br><span class="id whole">{}</span>', survey.instance.slug, name)

    @admin.display(description="Instance")
    def of(self, survey: Survey) -> SafeString:
        return instance_link(survey.instance)

    @admin.display(description="Organization")
    def organization(self, survey: Survey) -> str:
        return survey.instance.organization.name

    @admin.display(description="State")
    def state(self, survey: Survey) -> SafeString:
        return drift_pill(survey)

    @admin.display(description="Found")
    def found(self, survey: Survey) -> str:
        return drift_in_words(survey)

    @admin.display(description="What")
    def first_found(self, survey: Survey) -> SafeString:
        bad = [finding.title for finding in findings_of(survey) if finding.verdict not in AS_WANTED]
        return format_html('<span class="clipped" title="{0}">{0}</span>', ", ".join(bad) or NOTHING)

    @admin.display(description="Checked", ordering="finished_at")
    def checked(self, survey: Survey) -> SafeString | str:
        return when(survey.finished_at)

    @admin.display(description="Next check")
    def next_check(self, survey: Survey) -> SafeString | str:
        return "now" if is_under_way(survey) else when(survey.due_at)


def drift_pill(survey: Survey) -> SafeString:
    """How the instance's check stands."""
    if is_under_way(survey):
        return pill("being looked at")
    if survey.finished_at is None:
        return pill("not checked yet", look="pending")
    if survey.differing:
        return pill("drift", look="differs")
    return pill("unclear") if survey.unclear else pill("as wanted")


def drift_in_words(survey: Survey) -> str:
    """For example “1 missing, 2 differ”; of the last complete round while a new one is under way."""
    if survey.finished_at is None and not survey.differing:
        return NOTHING
    if is_under_way(survey):
        return f"{survey.differing} not as wanted when it was last checked"
    counts = Counter(finding.verdict for finding in findings_of(survey))
    words = ((Verdict.MISSING, "missing"), (Verdict.DIFFERS, "differ"), (Verdict.UNCLEAR, "unclear"))
    return ", ".join(f"{counts[verdict]} {word}" for verdict, word in words if counts[verdict]) or "All is as wanted"


def drift_summary(instance: Instance) -> SafeString | str:
    """The instance's drift in a line, with the way to its page. One query."""
    survey = drift_of(instance)
    if survey is None:
        return NOTHING
    link = format_html('<a href="{}" class="link">{}</a>', address_of(survey), drift_in_words(survey))
    return format_html('{} {} <span class="id">{}</span>', drift_pill(survey), link, when(survey.finished_at))


def _context(survey: Survey) -> dict[str, Any]:
    rows = sorted(findings_of(survey), key=lambda finding: WORST_FIRST.index(finding.verdict))
    told = [
        FindingRow(finding, pill(PILLS.get(finding.verdict, finding.verdict.value)), differences(finding.changes))
        for finding in rows
    ]
    return {
        "findings": [row for row in told if row.finding.verdict not in AS_WANTED],
        "as_wanted": [row for row in told if row.finding.verdict in AS_WANTED],
        "is_under_way": is_under_way(survey),
    }
