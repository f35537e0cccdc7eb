"""The fleet."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from portal.core import clock
from portal.core.admin.bulk import PageWithBulk
from portal.core.admin.pages import NobodyEdits, ReadOnlyRows
from portal.core.admin.words import NOTHING, duration, when
from provisioning.admin.access import ASK
from provisioning.admin.architectures import MIGRATE
from provisioning.admin.attention import Rank, forsaken, with_rank
from provisioning.admin.changes import CHECK, CHECK_MANY, REPAIR, REPAIR_MANY, RESIZE, UPGRADE
from provisioning.admin.deeds import TEAR_DOWN
from provisioning.admin.drift import drift_summary
from provisioning.admin.going_back import ROLL_BACK
from provisioning.admin.holds import END_MANY_HOLDS, HOLD_MANY, INSTANCE_HOLDS
from provisioning.admin.instance_seen import instance_seen
from provisioning.admin.links import address_of, operation_link
from provisioning.admin.plans import PageWithPlans
from provisioning.admin.states import (
    health_in_full,
    health_pill,
    instance_pill,
    operation_pill,
    present_operation,
    seconds_of,
)
from provisioning.admin.suspension import RESUME, SUSPEND
from provisioning.admin.takeovers import SET_UP_STANDBY, TAKE_OVER, has_standby, what_is_lost
from provisioning.admin.updates import ShowsUpdates
from provisioning.health.states import State
from provisioning.models import BUILT, Instance, InstanceStatus, Kind, Operation
from provisioning.models.operations import LIVE
from provisioning.selectors import certificate_of
from provisioning.selectors.health import in_state, with_health

ENDING_SOON = timedelta(days=7)


def ending_soon() -> QuerySet[Instance]:
    """Trials that live and end within a week."""
    trials = Instance.objects.filter(kind=Kind.TRIAL, organization__is_synthetic=False)
    living = trials.exclude(status=InstanceStatus.DELETED)
    return living.filter(trial_ends_at__lte=clock.now() + ENDING_SOON)


def coming_up() -> QuerySet[Instance]:
    """Instances that are being built."""
    return Instance.objects.filter(status=InstanceStatus.PENDING, operations__status__in=LIVE).distinct()


class LifeFilter(admin.SimpleListFilter):
    title = "life"
    parameter_name = "life"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [
            ("living", "Not deleted"),
            ("coming-up", "Coming up"),
            ("ending", "Trial ends in 7 days"),
            ("forsaken", "Nobody builds it"),
        ]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Instance]) -> QuerySet[Instance]:
        chosen = {"coming-up": coming_up, "ending": ending_soon, "forsaken": forsaken}.get(self.value() or "")
        if chosen:
            return rows.filter(pk__in=chosen().values("pk"))
        return rows.exclude(status=InstanceStatus.DELETED) if self.value() == "living" else rows


class HealthFilter(admin.SimpleListFilter):
    """Of those that stand: what does not is unknown to everybody."""

    title = "health"
    parameter_name = "health"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in State]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Instance]) -> QuerySet[Instance]:
        if self.value() not in set(State):
            return rows
        found = in_state(Instance.objects.filter(status__in=BUILT).order_by(), str(self.value()))
        return rows.filter(pk__in=found.values("pk"))


class Operations(ReadOnlyRows):
    model = Operation
    fields = ("operation", "state", "requested_by", "reason", "began", "took")
    per_page = 20

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        rows: QuerySet[Operation] = super().get_queryset(request)
        return rows.select_related("requested_by", "instance").order_by("-created_at")

    @admin.display(description="Operation")
    def operation(self, operation: Operation) -> SafeString:
        return operation_link(operation)

    @admin.display(description="Status")
    def state(self, operation: Operation) -> SafeString:
        return operation_pill(operation)

    @admin.display(description="Began")
    def began(self, operation: Operation) -> SafeString | str:
        return when(operation.started_at or operation.created_at)

    @admin.display(description="Took")
    def took(self, operation: Operation) -> str:
        return duration(seconds_of(operation))


@admin.register(Instance)
class InstancePage(ShowsUpdates, NobodyEdits, PageWithBulk, PageWithPlans):
    list_display = (
        "name",
        "organization",
        "kind",
        "state",
        "how_it_is",
        "now",
        "size_name",
        "place",
        "release",
        "created",
    )
    list_display_links = ("name",)
    list_select_related = ("organization", "release")
    list_filter = (
        LifeFilter,
        HealthFilter,
        ("status", ChoicesCheckboxFilter),
        ("kind", ChoicesCheckboxFilter),
        ("tenancy", ChoicesCheckboxFilter),
        ("region", ChoicesCheckboxFilter),
        ("channel", ChoicesCheckboxFilter),
        "size",
        "release",
    )
    list_filter_submit = True
    search_fields = ("slug", "id", "domain", "organization__name", "organization__slug", "admin_email")
    search_help_text = "Name, id (its project's too), domain or organization"
    fields = (
        ("state", "address"),
        ("whole_health",),
        ("organization", "kind"),
        ("size", "region"),
        ("release", "channel"),
        ("tenancy", "cluster"),
        ("switched_on", "architecture"),
        ("admin_email", "created_by"),
        ("created", "ready"),
        ("trial_ends", "deleted"),
        ("suspended", "drift"),
        ("standby",),
        ("id",),
    )
    readonly_fields = (
        "state",
        "whole_health",
        "address",
        "switched_on",
        "created",
        "ready",
        "trial_ends",
        "suspended",
        "deleted",
        "drift",
        "standby",
    )
    inlines = (Operations,)
    change_form_template = "admin/instance.html"
    bulk_deeds: ClassVar = (CHECK_MANY, REPAIR_MANY, HOLD_MANY, END_MANY_HOLDS)
    deeds: ClassVar = (
        RESUME,
        UPGRADE,
        ROLL_BACK,
        MIGRATE,
        RESIZE,
        REPAIR,
        CHECK,
        ASK,
        *INSTANCE_HOLDS,
        SET_UP_STANDBY,
        TAKE_OVER,
        SUSPEND,
        TEAR_DOWN,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        rows: QuerySet[Instance] = super().get_queryset(request)
        present = with_rank(Operation.objects.all()).exclude(rank=Rank.PAST)  # type: ignore[misc] # annotated there
        rows = with_health(rows.select_related("organization", "release").defer("release__notes"))
        return rows.prefetch_related(Prefetch("operations", present, to_attr="present_operations"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        instance = Instance.objects.filter(pk=unquote(object_id)).first()
        context = {**instance_seen(instance), **(extra_context or {})} if instance else extra_context
        answer: HttpResponseBase = super().change_view(request, object_id, form_url, context)
        return answer

    @admin.display(description="Instance", ordering="slug")
    def name(self, instance: Instance) -> SafeString:
        return format_html('{}<br><span class="id whole">{}</span>', instance.slug, instance.pk)

    @admin.display(description="Status", ordering="status")
    def state(self, instance: Instance) -> SafeString:
        return instance_pill(instance)

    @admin.display(description="Health")
    def how_it_is(self, instance: Instance) -> SafeString | str:
        return health_pill(instance)

    @admin.display(description="Health")
    def whole_health(self, instance: Instance) -> SafeString | str:
        return health_in_full(instance)

    @admin.display(description="Now")
    def now(self, instance: Instance) -> SafeString | str:
        operation = present_operation(instance)
        if operation is None:
            return NOTHING
        return format_html('<span class="whole">{} {}</span>', operation_link(operation), operation_pill(operation))

    @admin.display(description="Size", ordering="size__position")
    def size_name(self, instance: Instance) -> str:
        return instance.size_id

    @admin.display(description="Region", ordering="region")
    def place(self, instance: Instance) -> SafeString:
        return format_html('<span class="whole" title="{}">{}</span>', instance.get_region_display(), instance.region)

    @admin.display(description="Created", ordering="created_at")
    def created(self, instance: Instance) -> SafeString | str:
        return when(instance.created_at)

    @admin.display(description="Ready")
    def ready(self, instance: Instance) -> SafeString | str:
        return when(instance.ready_at)

    @admin.display(description="Trial ends")
    def trial_ends(self, instance: Instance) -> SafeString | str:
        return when(instance.trial_ends_at)

    @admin.display(description="Suspended")
    def suspended(self, instance: Instance) -> SafeString | str:
        if instance.suspended_at is None:
            return NOTHING
        return format_html("{}, because {}", when(instance.suspended_at), instance.get_suspended_because_display())

    @admin.display(description="Deleted")
    def deleted(self, instance: Instance) -> SafeString | str:
        certificate = certificate_of(instance) if instance.deleted_at else None
        if certificate is None:
            return when(instance.deleted_at)
        link = format_html('<a href="{}" class="link">certificate</a>', address_of(certificate))
        return format_html("{}, {}", when(instance.deleted_at), link)

    @admin.display(description="Drift")
    def drift(self, instance: Instance) -> SafeString | str:
        return drift_summary(instance)

    @admin.display(description="Standby")
    def standby(self, instance: Instance) -> str:
        if instance.lost_region:
            return f"none: it took over from {instance.lost_region}"
        return what_is_lost(instance) if has_standby(instance) else NOTHING

    @admin.display(description="Features")
    def switched_on(self, instance: Instance) -> str:
        return ", ".join(feature["name"] for feature in instance.features) or NOTHING

    @admin.display(description="Address")
    def address(self, instance: Instance) -> SafeString:
        return format_html('<a href="{0}" class="link" rel="noopener" target="_blank">{0}</a>', instance.url)
