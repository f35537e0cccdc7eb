"""Alerts: what is open, who is at it, what is kept quiet, by which rules, and what was said to whom."""

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from portal.core import clock
from portal.core.admin.bulk import BulkDeed, PageWithBulk
from portal.core.admin.deeds import Answers, Deed, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NarrowedFilter, NobodyEdits
from portal.core.admin.words import NOTHING, pill, sending, when
from portal.core.audit import Actor
from provisioning.admin.links import address_of, instance_link
from provisioning.admin.slo import slo
from provisioning.models import Alert, AlertRule, Notice, Silence
from provisioning.services.alerts import alert_acknowledge, alert_rule_set, silence_begin, silence_end
from provisioning.services.notices import channels, notice_test

RUNBOOKS = Path(settings.BASE_DIR) / "docs" / "runbooks"
USUAL_HOURS, MOST_HOURS = 4, 24 * 30
NO_CHANNEL = "None is set up: see ALERT_SLACK_URL and ALERT_PAGERDUTY_KEY."
SET = (
    "severity",
    "threshold",
    "for_seconds",
    "most_apart",
    "escalate_after_minutes",
    "heals_a_day",
    "is_mailed",
    "is_on",
)


class SilenceForm(ReasonForm):
    hours = forms.IntegerField(
        label="For so many hours",
        min_value=1,
        max_value=MOST_HOURS,
        initial=USUAL_HOURS,
        widget=UnfoldAdminTextInputWidget({"type": "number"}),
        help_text="It ends by itself. What is still there then is told.",
    )
    whole_rule = forms.BooleanField(
        label="For all instances",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Off: of this instance alone.",
    )
    field_order = ("hours", "whole_rule", "reason")


class RuleForm(ReasonForm):
    """What of a rule is the admins'."""

    severity = forms.ChoiceField(choices=AlertRule.Severity.choices, widget=UnfoldAdminSelectWidget)
    threshold = forms.FloatField(widget=UnfoldAdminTextInputWidget({"type": "number", "step": "any"}))
    for_seconds = forms.IntegerField(min_value=0, widget=UnfoldAdminTextInputWidget({"type": "number"}))
    most_apart = forms.IntegerField(min_value=1, max_value=1_000, widget=UnfoldAdminTextInputWidget({"type": "number"}))
    escalate_after_minutes = forms.IntegerField(
        min_value=1, required=False, widget=UnfoldAdminTextInputWidget({"type": "number"})
    )
    heals_a_day = forms.IntegerField(min_value=0, max_value=24, widget=UnfoldAdminTextInputWidget({"type": "number"}))
    is_mailed = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)
    is_on = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)
    field_order = (*SET, "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = {column.name: column for column in AlertRule._meta.fields}  # noqa: SLF001 - Django's documented API
        for name in SET:
            field, column = self.fields[name], columns[name]
            field.label, field.help_text = str(column.verbose_name).capitalize(), column.help_text
            field.initial = getattr(self.target, name)


class ChannelForm(ReasonForm):
    channel = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    field_order = ("channel", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ChoiceField", self.fields["channel"])
        field.choices = [(channel, channel) for channel in channels()]
        field.help_text = "" if channels() else NO_CHANNEL


def _acknowledge(alert: Alert, answers: Answers, actor: Actor) -> str:
    alert_acknowledge(alert=alert, actor=actor, reason=answers["reason"])
    return "You are at it. Nobody else is told that it is still there."


def _silence(alert: Alert, answers: Answers, actor: Actor) -> str:
    until = clock.now() + timedelta(hours=answers["hours"])
    of = None if answers["whole_rule"] else alert.instance
    silence_begin(rule=alert.rule, instance=of, until=until, reason=answers["reason"], actor=actor)
    return f"It is kept quiet until {until:%-d %B, %H:%M} UTC."


def _end(silence: Silence, answers: Answers, actor: Actor) -> str:
    silence_end(silence=silence, actor=actor, reason=answers["reason"])
    return "It is told again, where it is still there."


def _set(rule: AlertRule, answers: Answers, actor: Actor) -> str:
    alert_rule_set(rule=rule, actor=actor, reason=answers["reason"], **{name: answers[name] for name in SET})
    return f"“{rule}” goes by that from the next look on."


def _test(_nothing: None, answers: Answers, actor: Actor) -> str:
    notice_test(channel=answers["channel"], actor=actor)
    return f"A test is on its way to {answers['channel']}. What came of it is said here."


ACKNOWLEDGE = Deed(
    name="acknowledge",
    title="Acknowledge",
    explanation="You are at it. It is not escalated, and stays open until its cause is gone.",
    do=_acknowledge,
    is_possible=lambda alert: bool(alert.opened_at and not alert.resolved_at and not alert.acknowledged_at),
    icon="front_hand",
    is_usual=True,
)
ACKNOWLEDGE_MANY = BulkDeed(ACKNOWLEDGE, lambda rows: rows.filter(open_now(), acknowledged_at=None))
SILENCE = Deed(
    name="silence",
    title="Keep quiet",
    explanation="What is known and expected is told to nobody for a while.",
    do=_silence,
    is_possible=lambda alert: alert.resolved_at is None,
    form=SilenceForm,
    icon="notifications_off",
)
END = Deed(
    name="end",
    title="End it now",
    explanation="What is still there is told again.",
    do=_end,
    is_possible=lambda silence: silence.until > clock.now(),
    icon="notifications_active",
    is_usual=True,
)
SET_RULE = Deed(
    name="set", title="Set", explanation="From the next look on the rule goes by this.", do=_set, form=RuleForm,
    icon="tune", is_usual=True,
)  # fmt: skip
TEST = Deed(
    name="test",
    title="Send a test",
    explanation="A notice that says it is a test goes to the channel.",
    do=_test,
    form=ChannelForm,
    icon="send",
)


class StateFilter(NarrowedFilter):
    usual = "Open"
    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("unanswered", "Nobody is at it"), ("over", "Over"), ("all", "All")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Alert]) -> QuerySet[Alert]:
        if self.value() == "all":
            return rows
        if self.value() == "over":
            return rows.filter(resolved_at__isnull=False)
        open_ones = rows.filter(open_now())
        return open_ones.filter(acknowledged_at=None) if self.value() == "unanswered" else open_ones


def open_now() -> Q:
    """Alerts that are open: those that have lasted, and whose cause is still there."""
    return Q(opened_at__isnull=False, resolved_at=None)


def alert_pill(alert: Alert) -> SafeString:
    if alert.resolved_at:
        return pill("over", look="done")
    if alert.opened_at is None:
        return pill("coming up", look="waiting")
    if alert.acknowledged_at:
        return pill("somebody is at it", look="waiting")
    return pill(alert.rule.severity, look="failed" if alert.rule.severity == AlertRule.Severity.PAGE else "late")


@admin.register(Alert)
class AlertPage(NobodyEdits, PageWithBulk):
    list_display = ("what", "state", "said", "whose", "since", "who")
    list_display_links = ("what",)
    list_filter = (StateFilter, "rule", "rule__severity")
    list_select_related = ("rule", "instance", "acknowledged_by")
    search_fields = ("sentence", "instance__slug", "instance__id", "rule__title")
    search_help_text = "What it says, instance or rule"
    fields = (
        ("what", "state"),
        "said",
        ("of", "runbook"),
        ("since", "told"),
        ("who", "escalated"),
        ("healed", "ended"),
    )
    readonly_fields = ("what", "state", "said", "of", "runbook", "since", "told", "who", "escalated", "healed", "ended")
    bulk_deeds: ClassVar = (ACKNOWLEDGE_MANY,)
    deeds: ClassVar = (ACKNOWLEDGE, SILENCE)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("runbooks/<slug:key>/", view(self.runbook_view), name="provisioning_alert_runbook"),
            path("slo/", view(self.slo_view), name="provisioning_alert_slo"),
            *super().get_urls(),
        ]

    def slo_view(self, request: HttpRequest) -> HttpResponse:
        """How the fleet stands to its objective."""
        context = {**self.admin_site.each_context(request), **slo(), "opts": self.opts}
        return TemplateResponse(request, "admin/slo.html", context)

    def runbook_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """What to do, as it is written down."""
        file = RUNBOOKS / f"{key}.md"
        if not file.is_file():
            raise Http404
        title, _, text = file.read_text().removeprefix("# ").partition("\n")
        context = {**self.admin_site.each_context(request), "title": title, "text": text.strip(), "opts": self.opts}
        return TemplateResponse(request, "admin/runbook.html", context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Alerts", **(extra_context or {})})

    @admin.display(description="Alert", ordering="rule")
    def what(self, alert: Alert) -> str:
        return alert.rule.title

    @admin.display(description="State")
    def state(self, alert: Alert) -> SafeString:
        return alert_pill(alert)

    @admin.display(description="What was found")
    def said(self, alert: Alert) -> str:
        return alert.sentence

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, alert: Alert) -> str:
        return str(alert.instance or "all")

    @admin.display(description="Instance")
    def of(self, alert: Alert) -> SafeString | str:
        return instance_link(alert.instance) if alert.instance else "all"

    @admin.display(description="What to do")
    def runbook(self, alert: Alert) -> SafeString:
        return runbook_link(alert.rule_id)

    @admin.display(description="Since", ordering="first_seen_at")
    def since(self, alert: Alert) -> SafeString | str:
        return when(alert.first_seen_at)

    @admin.display(description="Told")
    def told(self, alert: Alert) -> SafeString | str:
        return when(alert.told_at) if alert.told_at else "kept quiet"

    @admin.display(description="Who is at it", ordering="acknowledged_by__email")
    def who(self, alert: Alert) -> str:
        return str(alert.acknowledged_by.email) if alert.acknowledged_by else "nobody"

    @admin.display(description="Escalated")
    def escalated(self, alert: Alert) -> SafeString | str:
        return when(alert.escalated_at)

    @admin.display(description="Repair begun")
    def healed(self, alert: Alert) -> SafeString | str:
        return when(alert.healed_at)

    @admin.display(description="Over since")
    def ended(self, alert: Alert) -> SafeString | str:
        return when(alert.resolved_at)


@admin.register(AlertRule)
class AlertRulePage(NobodyEdits, PageWithDeeds):
    list_display = ("title", "severity", "threshold", "lasts", "heals_a_day", "is_on")
    search_fields = ("title", "key")
    fields = ("title", ("severity", "is_on"), ("threshold", "for_seconds"), ("most_apart", "escalate_after_minutes"),
              ("heals_a_day", "heals"), "is_mailed", "runbook")  # fmt: skip
    readonly_fields = ("heals", "runbook")
    deeds: ClassVar = (SET_RULE,)

    @admin.display(description="For so many seconds", ordering="for_seconds")
    def lasts(self, rule: AlertRule) -> int:
        return rule.for_seconds

    @admin.display(description="Heals by")
    def heals(self, rule: AlertRule) -> str:
        return rule.get_heals_by_display() if rule.heals_a_day else NOTHING

    @admin.display(description="What to do")
    def runbook(self, rule: AlertRule) -> SafeString:
        return runbook_link(rule.pk)


@admin.register(Silence)
class SilencePage(NobodyEdits, PageWithDeeds):
    list_display = ("what", "until", "reason", "created_by", "created_at")
    list_select_related = ("rule", "instance", "created_by")
    fields = (("rule", "instance"), ("until", "created_at"), "created_by", "reason")
    deeds: ClassVar = (END,)

    @admin.display(description="What is kept quiet")
    def what(self, silence: Silence) -> str:
        return str(silence)


@admin.register(Notice)
class NoticePage(NobodyEdits, PageWithDeeds):
    """What was said on channels. Mails are in the outbox."""

    list_display = ("kind", "channel", "state", "created", "failures", "error")
    list_filter = ("channel", "kind")
    fields = (("kind", "channel"), ("state", "created"), ("failures", "error"), "about")
    readonly_fields = ("state", "created", "about")
    list_deeds: ClassVar = (TEST,)

    @admin.display(description="State")
    def state(self, notice: Notice) -> SafeString:
        return sending(notice.sent_at, notice.error)

    @admin.display(description="Written", ordering="created_at")
    def created(self, notice: Notice) -> SafeString | str:
        return when(notice.created_at)

    @admin.display(description="About")
    def about(self, notice: Notice) -> SafeString | str:
        links = [format_html('<a class="link" href="{}">{}</a>', address_of(a), a) for a in notice.alerts.all()[:50]]
        return format_html("<br>".join("{}" for _ in links), *links) if links else "nothing"


def runbook_link(key: str) -> SafeString:
    """To what is written down of it."""
    return format_html('<a class="link" href="{}">Runbook</a>', reverse("admin:provisioning_alert_runbook", args=[key]))
