"""Holds: what keeps instances from being upgraded, and how it begins and ends."""

from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.core import clock
from portal.core.admin.bulk import BulkDeed
from portal.core.admin.deeds import Answers, Deed, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NarrowedFilter, NobodyEdits
from portal.core.admin.words import pill, when
from portal.core.audit import Actor
from portal.core.errors import Conflict
from provisioning.admin.links import instance_link
from provisioning.fleet.versions import is_newer, order
from provisioning.fleet.windows import window_of
from provisioning.models import Hold, Instance, InstanceStatus, Release
from provisioning.services.holds import hold_begin, hold_end

USUAL_DAYS = 14
REASON_IS_READ = "Its people read it, and the audit keeps it for good."
OVERDUE, OPEN, ENDED = 0, 1, 2


class HoldForm(ReasonForm):
    release = forms.ModelChoiceField(
        Release.objects.none(),
        required=False,
        empty_label="The version that it has",
        label="Up to",
        widget=UnfoldAdminSelectWidget,
        help_text="Until then it is upgraded no further than this.",
    )
    until = forms.DateField(
        label="Until the end of",
        widget=UnfoldAdminTextInputWidget({"type": "date"}),
        help_text="A day in its own time zone. Past it the hold is reported, not lifted.",
    )
    field_order = ("release", "until", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = REASON_IS_READ
        self.fields["until"].initial = _usual_day()
        field = cast("forms.ModelChoiceField[Release]", self.fields["release"])
        releases = _pins(self.target)
        field.queryset = Release.objects.filter(pk__in=[release.pk for release in releases])
        field.choices = [("", field.empty_label), *((one.pk, str(one)) for one in releases)]


class ManyHoldsForm(ReasonForm):
    """For many instances at once: each at the version that it has."""

    until = HoldForm.declared_fields["until"]
    field_order = ("until", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = REASON_IS_READ
        self.fields["until"].initial = _usual_day()

    def clean(self) -> dict[str, Any]:
        return {**(super().clean() or {}), "release": None}


class StateFilter(NarrowedFilter):
    usual = "Open"
    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("overdue", "Overdue"), ("ended", "Ended"), ("all", "All")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Hold]) -> QuerySet[Hold]:
        if self.value() == "all":
            return rows
        if self.value() == "ended":
            return rows.filter(ended_at__isnull=False)
        return rows.filter(_overdue() if self.value() == "overdue" else Q(ended_at__isnull=True))


def overdue_holds() -> QuerySet[Hold]:
    """Those that are past their day, and that nobody has ended."""
    return Hold.objects.filter(_overdue())


def _usual_day() -> date:
    return (clock.now() + timedelta(days=USUAL_DAYS)).date()


def _overdue() -> Q:
    return Q(ended_at__isnull=True, until__lt=clock.now())


def _pins(instance: Instance) -> list[Release]:
    """What it could be pinned to: what it has, or newer, the newest first."""
    published = Release.objects.filter(status=Release.Status.PUBLISHED).defer("notes")
    offered = [one for one in published if not is_newer(instance.release.app_version, one.app_version)]
    return sorted(offered, key=lambda release: order(release.app_version), reverse=True)


def _end_of(day: date, instance: Instance) -> datetime:
    return datetime.combine(day, time(23, 59), ZoneInfo(window_of(instance).zone))


def _open_hold(instance: Instance) -> Hold | None:
    return instance.holds.filter(ended_at__isnull=True).first()


def _begin(instance: Instance, answers: Answers, actor: Actor) -> str:
    release, reason = answers["release"], answers["reason"]
    until = _end_of(answers["until"], instance)
    hold_begin(instance=instance, until=until, reason=reason, release=release, actor=actor)
    return f"“{instance}” is {f'pinned to {release}' if release else 'held'} until {until:%-d %B}."


def _end(target: Instance | Hold, answers: Answers, actor: Actor) -> str:
    hold = target if isinstance(target, Hold) else _open_hold(target)
    if hold is None:
        raise Conflict("This hold has ended already.")
    hold_end(hold=hold, actor=actor, reason=answers["reason"])
    return f"“{hold.instance}” is held no longer. What it missed comes in its next window."


HOLD = Deed(
    name="hold",
    title="Hold or pin",
    explanation="Rollouts leave the instance as it is, or take it no further than a version, until somebody ends that.",
    do=_begin,
    is_possible=lambda instance: instance.status != InstanceStatus.DELETED and _open_hold(instance) is None,
    form=HoldForm,
    icon="back_hand",
)
END_HOLD = Deed(
    name="endhold",
    title="End the hold",
    explanation="The instance follows its channel again. What it missed comes in its next window.",
    do=_end,
    is_possible=lambda instance: _open_hold(instance) is not None,
    icon="lock_open",
)
END = Deed(
    name="end",
    title="End the hold",
    explanation=END_HOLD.explanation,
    do=_end,
    is_possible=lambda hold: hold.ended_at is None,
    icon="lock_open",
    is_usual=True,
)
INSTANCE_HOLDS = (HOLD, END_HOLD)
HELD = Exists(Hold.objects.filter(instance=OuterRef("pk"), ended_at__isnull=True))
HOLD_MANY = BulkDeed(HOLD, lambda rows: rows.exclude(status=InstanceStatus.DELETED).exclude(HELD), ManyHoldsForm)
END_MANY_HOLDS = BulkDeed(END_HOLD, lambda rows: rows.filter(HELD))


def state_of(hold: Hold) -> SafeString:
    """In a word."""
    if hold.ended_at:
        return pill("ended", look="done")
    return pill("overdue", look="late") if hold.until < clock.now() else pill("held", look="suspended")


@admin.register(Hold)
class HoldPage(NobodyEdits, PageWithDeeds):
    list_display = ("whose", "state", "up_to", "why", "ends", "by", "since")
    list_display_links = ("whose",)
    list_filter = (StateFilter,)
    search_fields = ("instance__slug", "instance__id", "instance__organization__name", "reason", "created_by__email")
    search_help_text = "Instance, its id, organization, reason or who made it"
    fields = (("of", "state"), ("up_to", "ends"), ("by", "since"), ("reason", "ended"), "told")
    readonly_fields = ("of", "state", "up_to", "ends", "by", "since", "reason", "ended", "told")
    deeds: ClassVar = (END,)

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Hold]:
        rank = Case(
            When(_overdue(), then=Value(OVERDUE)),
            When(ended_at__isnull=True, then=Value(OPEN)),
            default=Value(ENDED),
            output_field=IntegerField(),
        )
        related = ("instance__organization", "instance__release", "release", "created_by")
        return Hold.objects.annotate(rank=rank).select_related(*related)

    def get_ordering(self, _request: HttpRequest) -> tuple[str, ...]:
        return ("rank", "until")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Holds", **(extra_context or {})})

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, hold: Hold) -> SafeString:
        return format_html('{}<br><span class="id whole">{}</span>', hold.instance, hold.instance.organization.name)

    @admin.display(description="Instance")
    def of(self, hold: Hold) -> SafeString:
        return instance_link(hold.instance)

    @admin.display(description="State", ordering="rank")
    def state(self, hold: Hold) -> SafeString:
        return state_of(hold)

    @admin.display(description="Held at", ordering="release")
    def up_to(self, hold: Hold) -> str:
        return f"pinned to {hold.release}" if hold.release else f"{hold.instance.release}, as it is"

    @admin.display(description="Reason")
    def why(self, hold: Hold) -> SafeString:
        return format_html('<span class="clipped" title="{0}">{0}</span>', hold.reason)

    @admin.display(description="Until", ordering="until")
    def ends(self, hold: Hold) -> SafeString | str:
        return when(hold.until)

    @admin.display(description="By", ordering="created_by__email")
    def by(self, hold: Hold) -> str:
        return hold.created_by.email if hold.created_by else "the portal"

    @admin.display(description="Since")
    def since(self, hold: Hold) -> SafeString | str:
        return when(hold.created_at)

    @admin.display(description="Ended")
    def ended(self, hold: Hold) -> SafeString | str:
        return when(hold.ended_at)

    @admin.display(description="Reported as overdue")
    def told(self, hold: Hold) -> SafeString | str:
        return when(hold.reported_at)
