"""Trials: who waits for one, how many there may be, and which were extended."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from billing.models import TrialExtension, TrialPolicy, TrialRequest
from billing.selectors.trials import State, trial_load, trial_policy, waiting_of, why_no_room
from billing.services.trials import trial_policy_set
from billing.services.waiting_list import trial_request_refuse, trial_request_start
from billing.terms.money import money
from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NobodyEdits, ReadOnlyPage
from portal.core.admin.words import NOTHING, pill, when
from portal.core.audit import Actor

LOOKS: Final = {"waiting": "waiting", "started": "done", "withdrawn": "cancelled", "refused": "cancelled"}


class PolicyForm(ReasonForm):
    most_running = forms.IntegerField(
        min_value=0,
        label="At once, at most",
        help_text="Trials that come up or run. Suspended ones do not count.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    most_cents_a_month = forms.IntegerField(
        min_value=0,
        label="Their infrastructure by list price at most, US cents a month",
        help_text="Suspended ones count in full: what one costs while it is suspended is not reckoned.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    is_open = forms.BooleanField(
        required=False,
        label="Open",
        help_text="Switched off, nobody starts a trial: who asks for one is put on the waiting list.",
        widget=UnfoldBooleanSwitchWidget,
    )
    field_order = ("most_running", "most_cents_a_month", "is_open", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("most_running", "most_cents_a_month", "is_open"):
            self.fields[name].initial = getattr(self.target, name)


def _set_policy(_policy: TrialPolicy, answers: Answers, actor: Actor) -> str:
    trial_policy_set(**answers, actor=actor)
    return "It holds from now on. Who waits is started where there is room."


def _start(request: TrialRequest, answers: Answers, actor: Actor) -> str:
    instance = trial_request_start(request=request, actor=actor, reason=answers["reason"])
    return f"The trial {instance} comes up."


def _refuse(request: TrialRequest, answers: Answers, actor: Actor) -> str:
    trial_request_refuse(request=request, actor=actor, reason=answers["reason"])
    return f"{request.organization} gets no trial, and is told so."


def _waits(request: TrialRequest) -> bool:
    return request.state == State.WAITING


SET: Final = Deed(
    name="set",
    title="Change the policy",
    explanation="More room is given to those who wait, in their order, at once. With less, nobody is stopped: no "
    "further trial starts until there is room again.",
    do=_set_policy,
    form=PolicyForm,
    icon="tune",
    is_usual=True,
)
START: Final = Deed(
    name="start",
    title="Start out of order",
    explanation="Its trial comes up now, whoever has waited longer. Beyond the caps only a sales manager may do that.",
    do=_start,
    icon="play_arrow",
    is_possible=_waits,
    is_usual=True,
)
REFUSE: Final = Deed(
    name="refuse",
    title="Refuse",
    explanation="It is taken off the list. Who asked is told that no trial comes of it, and to talk to us; your reason "
    "stays with us. An allowance on its organization's page lets it ask again.",
    do=_refuse,
    icon="block",
    is_possible=_waits,
    destroys=True,
)


@admin.register(TrialPolicy)
class TrialPolicyPage(NobodyEdits, PageWithDeeds):
    list_display = ("name", "at_once", "cost", "open")
    fields = (("at_once", "cost"), "open")
    readonly_fields = ("at_once", "cost", "open")
    deeds: ClassVar = (SET,)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Trial policy", **(extra_context or {})})

    @admin.display(description="Policy")
    def name(self, policy: TrialPolicy) -> str:
        return str(policy)

    @admin.display(description="Running, of at most")
    def at_once(self, policy: TrialPolicy) -> str:
        return f"{trial_load().running:,} of {policy.most_running:,}"

    @admin.display(description="Infrastructure a month, of at most")
    def cost(self, policy: TrialPolicy) -> str:
        return f"{money(trial_load().cents, 'usd')} of {money(policy.most_cents_a_month, 'usd')}"

    @admin.display(description="Starting trials")
    def open(self, policy: TrialPolicy) -> SafeString:
        return pill("possible", look="done") if policy.is_open else pill("closed", look="cancelled")


@admin.register(TrialRequest)
class TrialRequestPage(NobodyEdits, PageWithDeeds):
    list_display = ("organization", "slug", "region", "status", "requested", "requested_by", "note")
    list_filter = ("state", "region")
    list_select_related = ("organization", "requested_by")
    search_fields = ("organization__name", "slug", "requested_by__email")
    search_help_text = "Organization, name or who asked"
    fields = (
        ("organization", "requested_by"),
        ("slug", "region"),
        ("status", "place"),
        ("requested", "decided"),
        "note",
        ("decided_by", "reason"),
        "instance",
    )
    readonly_fields = (
        "organization", "requested_by", "slug", "region", "status", "place", "requested", "decided", "note",
        "decided_by", "reason", "instance",
    )  # fmt: skip
    deeds: ClassVar = (START, REFUSE)

    @admin.display(description="Status", ordering="state")
    def status(self, request: TrialRequest) -> SafeString:
        return pill(request.state, look=LOOKS[request.state])

    @admin.display(description="Place")
    def place(self, request: TrialRequest) -> str:
        waiting = waiting_of(request.organization) if request.state == State.WAITING else None
        return f"{waiting.position}" if waiting else NOTHING

    @admin.display(description="Asked", ordering="requested_at")
    def requested(self, request: TrialRequest) -> SafeString | str:
        return when(request.requested_at)

    @admin.display(description="Decided", ordering="decided_at")
    def decided(self, request: TrialRequest) -> SafeString | str:
        return when(request.decided_at)

    def beside(self, _request: HttpRequest, deed: Deed, _target: Any, _form: DeedForm) -> dict[str, Any]:
        """Before a start out of order, whether there is room."""
        if deed is not START:
            return {}
        full = why_no_room(trial_policy())
        return {"consequences": [f"{full} This one is beyond that." if full else "There is room for it."]}


@admin.register(TrialExtension)
class TrialExtensionPage(ReadOnlyPage):
    list_display = ("instance", "organization", "days", "until", "by", "reason", "made")
    list_select_related = ("instance__organization", "by")
    search_fields = ("instance__slug", "instance__organization__name", "by__email")
    search_help_text = "Instance, organization or who did it"
    fields = (("instance", "organization"), ("from_at", "until"), ("days", "made"), ("by", "reason"))
    readonly_fields = ("instance", "organization", "from_at", "until", "days", "made", "by", "reason")

    @admin.display(description="Organization", ordering="instance__organization__name")
    def organization(self, extension: TrialExtension) -> str:
        return str(extension.instance.organization)

    @admin.display(description="When", ordering="at")
    def made(self, extension: TrialExtension) -> SafeString | str:
        return when(extension.at)
