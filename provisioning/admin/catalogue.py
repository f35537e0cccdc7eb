"""What instances are made of: sizes, which admins add and change, and releases, which are imported and published."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from portal.core.admin.deeds import Answers, Deed, DeedForm, NamedReasonForm, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NobodyEdits, Page, acting
from portal.core.admin.words import NOTHING, pill, when
from portal.core.audit import Actor, record
from provisioning.admin.links import list_address
from provisioning.models import Channel, InstanceStatus, Release, Size
from provisioning.models.catalogue import RELEASED_TO
from provisioning.services.releases import (
    Terms,
    release_import,
    release_publish,
    release_widen,
    release_withdraw,
    wider_than,
)

LOOKS: Final = {"draft": "pending", "published": "done", "withdrawn": "cancelled"}  # as what else their state looks
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


class ImportForm(DeedForm):
    app_version = forms.CharField(
        max_length=40,
        label="Version",
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
        help_text="Of the application, such as 5.11.0.",
    )
    chart = forms.CharField(
        max_length=400,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="oci://registry/chart, https://repository/chart, or a path on the server. Empty: as CHART is set.",
    )
    chart_version = forms.CharField(
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Empty: the version above, or whatever version the archive or folder has.",
    )
    kind = forms.ChoiceField(
        choices=[("", "By its version"), *Release.Kind.choices], required=False, widget=UnfoldAdminSelectWidget
    )
    schema = forms.ChoiceField(
        choices=[("", "By its kind: all but major ones"), ("yes", "Yes"), ("no", "No")],
        required=False,
        label="The version before runs on its database schema",
        widget=UnfoldAdminSelectWidget,
        help_text="If not, a failed upgrade does not go back by itself once the database is migrated.",
    )
    minimum_version = forms.CharField(
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The oldest version that can be upgraded to it directly. Empty: any.",
    )
    channel = forms.ChoiceField(
        choices=RELEASED_TO,
        initial=Channel.STABLE,
        widget=UnfoldAdminSelectWidget,
        help_text="Whom it is meant for, once it is published.",
    )
    notes = forms.CharField(
        max_length=20_000,
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 8}),
        help_text="What customers read of it. Markdown.",
    )


class ChannelForm(ReasonForm):
    channel = forms.ChoiceField(choices=RELEASED_TO, widget=UnfoldAdminSelectWidget)
    field_order = ("channel", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].initial = self.target.channel
        self.fields["channel"].help_text = "It goes to this channel and to all that are bolder."


class WiderForm(ChannelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wider = wider_than(self.target.channel)
        choices = [(name, label) for name, label in RELEASED_TO if name in wider]
        self.fields["channel"].choices = choices  # type: ignore[attr-defined] # a ChoiceField


class WithdrawForm(NamedReasonForm):
    def clean_confirmation(self) -> str:
        typed = str(self.cleaned_data["confirmation"]).strip()
        if typed != self.name_to_type():
            raise forms.ValidationError(f"Type “{self.name_to_type()}” to confirm.")
        return typed


def _terms(answers: Answers) -> Terms:
    return Terms(
        kind=answers["kind"],
        notes=answers["notes"],
        minimum_version=answers["minimum_version"],
        schema_is_compatible={"yes": True, "no": False}.get(answers["schema"]),
        channel=answers["channel"],
    )


def _import(_nothing: None, answers: Answers, actor: Actor) -> str:
    chart = {name: answers[name].strip() for name in ("app_version", "chart", "chart_version")}
    release = release_import(actor=actor, terms=_terms(answers), **chart)
    return f"{release} is imported with the chart {release.chart}. It is {release.status}."


def _publish(release: Release, answers: Answers, actor: Actor) -> str:
    release = release_publish(release=release, actor=actor, **answers)
    return f"{release} is published to {release.channel}."


def _widen(release: Release, answers: Answers, actor: Actor) -> str:
    release = release_widen(release=release, actor=actor, **answers)
    return f"{release} goes to {release.channel} now."


def _withdraw(release: Release, answers: Answers, actor: Actor) -> str:
    release_withdraw(release=release, actor=actor, reason=answers["reason"])
    return f"{release} is withdrawn: it is offered to nobody any more."


IMPORT = Deed(
    name="import",
    title="Import a release",
    explanation="Its chart is fetched now and kept: upgrades ask no registry. It is a draft until you publish it, and "
    "version and chart never change after that.",
    do=_import,
    form=ImportForm,
    icon="download",
    is_usual=True,
)
PUBLISH = Deed(
    name="publish",
    title="Publish",
    explanation="It is offered to whoever follows the channel: new instances get it, others by a rollout.",
    do=_publish,
    is_possible=lambda release: release.status == Release.Status.DRAFT and release.chart_id is not None,
    form=ChannelForm,
    icon="publish",
    is_usual=True,
)
WIDEN = Deed(
    name="widen",
    title="Widen",
    explanation="A more cautious channel gets it, too. It never goes to fewer again, short of being withdrawn.",
    do=_widen,
    is_possible=lambda release: release.status == Release.Status.PUBLISHED and bool(wider_than(release.channel)),
    form=WiderForm,
    icon="unfold_more",
)
WITHDRAW = Deed(
    name="withdraw",
    title="Withdraw",
    explanation="It is offered to nobody any more, for good. Instances that have it stay on it.",
    do=_withdraw,
    is_possible=lambda release: release.status != Release.Status.WITHDRAWN,
    form=WithdrawForm,
    icon="block",
    destroys=True,
)


@admin.register(Release)
class ReleasePage(NobodyEdits, PageWithDeeds):
    list_display = ("version", "state", "kind", "channel", "pinned", "running", "released")
    list_filter = ("status", "kind", "channel")
    search_fields = ("app_version", "chart_version", "chart__digest")
    search_help_text = "Version, chart's version or digest"
    fields = (
        ("version", "kind"),
        ("state", "channel"),
        ("released", "running"),
        ("minimum_version", "schema_is_compatible"),
        ("chart_version", "fetched_at"),
        "source",
        "digest",
        "notes",
        "withdrawn_because",
    )
    deeds: ClassVar = (PUBLISH, WIDEN, WITHDRAW)
    list_deeds: ClassVar = (IMPORT,)

    def get_readonly_fields(self, _request: HttpRequest, _row: Any = None) -> tuple[str, ...]:
        return tuple(name for row in self.fields for name in ([row] if isinstance(row, str) else row))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        rows: QuerySet[Release] = super().get_queryset(request).select_related("chart").defer("chart__archive")
        living = Count("instances", filter=~Q(instances__status=InstanceStatus.DELETED))
        return rows.annotate(living_count=living)

    @admin.display(description="Version", ordering="app_version")
    def version(self, release: Release) -> str:
        return release.app_version

    @admin.display(description="Status", ordering="status")
    def state(self, release: Release) -> SafeString:
        return pill(release.status, look=LOOKS[release.status])

    @admin.display(description="Chart", ordering="chart")
    def pinned(self, release: Release) -> SafeString | str:
        if release.chart is None:
            return NOTHING
        title, digest = f"{release.chart.name} {release.chart.version}", release.chart.digest
        return format_html('{} <code title="{}">{}</code>', title, digest, digest[:12])

    @admin.display(description="Instances", ordering="living_count")
    def running(self, release: Any) -> SafeString | str:
        if not release.living_count:
            return "0"
        address = list_address("provisioning_instance", release__id__exact=release.pk)
        return format_html('<a href="{}" class="link">{}</a>', address, release.living_count)

    @admin.display(description="Released", ordering="released_at")
    def released(self, release: Release) -> SafeString | str:
        return NOTHING if release.status == Release.Status.DRAFT else when(release.released_at)

    @admin.display(description="Fetched from")
    def source(self, release: Release) -> str:
        return release.chart.source if release.chart else NOTHING

    @admin.display(description="Fetched at")
    def fetched_at(self, release: Release) -> SafeString | str:
        return when(release.chart.fetched_at) if release.chart else NOTHING

    @admin.display(description="SHA-256 of the chart")
    def digest(self, release: Release) -> SafeString | str:
        return format_html("<code>{}</code>", release.chart.digest) if release.chart else NOTHING
