"""What instances cost and bring: a row for each that lives, its page, and the jumps that somebody should look at."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.cost_words import dollars_or_nothing, figures_of, lines_of, percent
from billing.models import CostJump, InstanceCosts, Sync
from billing.selectors.costs import Costs, costs_of, customer_costs, living, total
from billing.services.jumps import jump_settle
from billing.services.syncs import sync_request
from billing.terms.jumps import change_in_words, explanation
from portal.core import clock
from portal.core.admin.deeds import Answers, Deed, PageWithDeeds
from portal.core.admin.pages import NobodyEdits, ReadOnlyPage
from portal.core.admin.words import NOTHING, pill, when
from portal.core.audit import Actor
from provisioning.admin.links import address_of, instance_link, list_address, operation_link
from provisioning.models import InstanceStatus


def _sync(_nothing: None, answers: Answers, actor: Actor) -> str:
    sync_request(Sync.Kind.COSTS, actor=actor, reason=answers["reason"])
    return "Costs are being looked at. What is found will be said under Syncs."


def _settle(jump: CostJump, answers: Answers, actor: Actor) -> str:
    jump_settle(jump=jump, actor=actor, reason=answers["reason"])
    return f"What {jump.description} costs now is usual from here on."


SYNC = Deed(
    name="sync",
    title="Look now",
    explanation="Google is asked what it has charged where there is an export, and jumps are looked for, as every day.",
    do=_sync,
    icon="sync",
    is_usual=True,
)
SETTLE = Deed(
    name="settle",
    title="Settle",
    explanation="The jump is explained: what this costs now is usual from here on, and only more is told again.",
    do=_settle,
    icon="check_circle",
    is_possible=lambda jump: jump.settled_at is None,
    is_usual=True,
)


class JumpsFilter(admin.SimpleListFilter):
    title = "jumps"
    parameter_name = "jumps"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("open", "Jumps only")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[InstanceCosts]) -> QuerySet[InstanceCosts]:
        jumps = CostJump.objects.filter(instance=OuterRef("pk"), settled_at=None)
        return rows.filter(Exists(jumps)) if self.value() == "open" else rows


class CostsList(ChangeList):
    """Its rows have what they cost at hand, reckoned for the page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        costs = costs_of(rows, clock.now())
        for row in rows:
            row.costs = costs[row.pk]
        self.result_list = rows


@admin.register(InstanceCosts)
class InstanceCostsPage(ReadOnlyPage, PageWithDeeds):
    list_display = ("whose", "size", "to_date", "forecast", "charged", "paid", "margin", "jumps")
    list_display_links = ("whose",)
    list_filter = (JumpsFilter, "kind", "status", "region")
    list_select_related = ("organization", "size")
    search_fields = ("slug", "id", "organization__name")
    search_help_text = "Instance, its id or organization"
    ordering = ("organization__name", "slug")
    fields = (("of", "organization_name"), ("to_date", "forecast"), ("charged", "a_month"), ("paid", "margin"))
    readonly_fields = ("of", "organization_name", "to_date", "forecast", "charged", "a_month", "paid", "margin")
    list_deeds: ClassVar = (SYNC,)
    list_before_template = "admin/costs_figures.html"
    change_form_template = "admin/costs.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[InstanceCosts]:
        rows: QuerySet[InstanceCosts] = super().get_queryset(request)
        customers = rows.filter(organization__is_synthetic=False)
        return customers.exclude(status=InstanceStatus.DELETED).select_related("organization", "size")

    def get_changelist(self, _request: HttpRequest, **_more: Any) -> type[ChangeList]:
        return CostsList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row:
            row.costs = costs_of([row], clock.now())[row.pk]
        return row

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        fleet = total(costs_of(living(), clock.now()).values())
        context = {"title": "Costs", "figures": figures_of(fleet), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        row = self.get_object(request, object_id)
        context = {**_context(row), **(extra_context or {})} if row else extra_context
        answer: HttpResponseBase = super().change_view(request, object_id, form_url, context)
        return answer

    @admin.display(description="Instance", ordering="organization__name")
    def whose(self, row: InstanceCosts) -> SafeString:
        return format_html('{}<br><span class="id whole">{}</span>', row.organization.name, row.slug)

    @admin.display(description="Instance")
    def of(self, row: InstanceCosts) -> SafeString:
        return instance_link(row)

    @admin.display(description="Organization")
    def organization_name(self, row: InstanceCosts) -> str:
        return row.organization.name

    @admin.display(description="Reckoned this month")
    def to_date(self, row: InstanceCosts) -> str:
        return dollars_or_nothing(_of(row).to_date)

    @admin.display(description="Forecast")
    def forecast(self, row: InstanceCosts) -> str:
        return dollars_or_nothing(_of(row).forecast)

    @admin.display(description="Charged this month")
    def charged(self, row: InstanceCosts) -> str:
        return dollars_or_nothing(_of(row).real.to_date)

    @admin.display(description="A month")
    def a_month(self, row: InstanceCosts) -> str:
        basis = "reckoned as it stands" if _of(row).real.month is None else "charged in the last 30 days"
        return f"{dollars_or_nothing(_of(row).month)}, {basis}"

    @admin.display(description="Pays a month")
    def paid(self, row: InstanceCosts) -> str:
        return _of(row).pays.shown or NOTHING

    @admin.display(description="Margin")
    def margin(self, row: InstanceCosts) -> str:
        return percent(_of(row).margin)

    @admin.display(description="Jumps")
    def jumps(self, row: InstanceCosts) -> SafeString | str:
        if not _of(row).jumps:
            return NOTHING
        address = list_address("billing_costjump", q=row.pk)
        return format_html('<a href="{}">{}</a>', address, pill(str(_of(row).jumps), look="late"))


@admin.register(CostJump)
class CostJumpPage(NobodyEdits, PageWithDeeds):
    list_display = ("what", "instance", "change", "explained", "state", "found")
    list_display_links = ("what",)
    list_filter = (("settled_at", admin.EmptyFieldListFilter), "service")
    list_select_related = ("instance", "explained_by", "settled_by")
    search_fields = ("instance__slug", "instance__id", "instance__organization__name", "description", "sku")
    search_help_text = "Instance, its id or organization, SKU"
    fields = (
        ("what", "of"),
        ("service", "sku"),
        "change",
        ("explained", "operation"),
        ("state", "settled"),
        "note",
        "found",
    )
    readonly_fields = (
        "what",
        "of",
        "service",
        "sku",
        "change",
        "explained",
        "operation",
        "state",
        "settled",
        "note",
        "found",
    )
    deeds: ClassVar = (SETTLE,)

    @admin.display(description="What", ordering="description")
    def what(self, jump: CostJump) -> str:
        return jump.description

    @admin.display(description="Instance")
    def of(self, jump: CostJump) -> SafeString:
        return instance_link(jump.instance)

    @admin.display(description="Costs", ordering="after_nanos")
    def change(self, jump: CostJump) -> str:
        return change_in_words(jump)

    @admin.display(description="Explained")
    def explained(self, jump: CostJump) -> str:
        return explanation(jump)

    @admin.display(description="Operation")
    def operation(self, jump: CostJump) -> SafeString | str:
        return operation_link(jump.explained_by) if jump.explained_by else NOTHING

    @admin.display(description="State", ordering="settled_at")
    def state(self, jump: CostJump) -> SafeString:
        return pill("open", look="late") if jump.settled_at is None else pill("settled", look="resolved")

    @admin.display(description="Settled")
    def settled(self, jump: CostJump) -> SafeString | str:
        return when(jump.settled_at)

    @admin.display(description="Found", ordering="found_at")
    def found(self, jump: CostJump) -> SafeString | str:
        return when(jump.found_at)


def _of(row: Any) -> Costs:
    costs: Costs = row.costs
    return costs


def _context(row: InstanceCosts) -> dict[str, Any]:
    now = clock.now()
    jumps = CostJump.objects.filter(instance=row.pk).select_related("instance", "explained_by")
    return {
        "jumps": [
            {"jump": jump, "link": address_of(jump), "change": change_in_words(jump), "why": explanation(jump)}
            for jump in jumps[:20]
        ],
        "all_jumps": list_address("billing_costjump", q=row.pk),
        "lines": lines_of(row, now),
        "customer": figures_of(customer_costs(row.organization, now)),
    }
