"""Months that broke a promise: a person approves the credit with one click, or says why not."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString

from billing.models import SlaCredit
from billing.services.sla import credit_approve, credit_decline
from billing.terms.money import money
from billing.terms.sla import in_words
from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds
from portal.core.admin.pages import NobodyEdits
from portal.core.admin.words import pill, when
from portal.core.audit import Actor
from provisioning.admin.links import instance_link

LOOKS = {"proposed": "waiting", "approved": "under way", "given": "done", "declined": "cancelled"}


def _approve(row: SlaCredit, _answers: Answers, actor: Actor) -> str:
    credit_approve(proposed=row, actor=actor)
    return f"{money(row.amount, row.currency)} are on their way to {row.instance.organization}."


def _decline(row: SlaCredit, answers: Answers, actor: Actor) -> str:
    credit_decline(proposed=row, actor=actor, reason=answers["reason"])
    return "It is not given."


APPROVE = Deed(
    name="approve",
    title="Approve",
    explanation="The amount is put on the customer's balance at Stripe; their next invoice takes it into account.",
    do=_approve,
    is_possible=lambda row: row.state == SlaCredit.State.PROPOSED,
    form=DeedForm,
    icon="check_circle",
    is_usual=True,
)
DECLINE = Deed(
    name="decline",
    title="Decline",
    explanation="Nothing is given for that month.",
    do=_decline,
    is_possible=lambda row: row.state == SlaCredit.State.PROPOSED,
    icon="block",
    destroys=True,
)


@admin.register(SlaCredit)
class SlaCreditPage(NobodyEdits, PageWithDeeds):
    list_display = ("whose", "month_in_words", "kept", "worth", "status")
    list_display_links = ("whose",)
    list_filter = ("state",)
    list_select_related = ("instance__organization", "plan")
    search_fields = ("instance__slug", "instance__organization__name")
    fields = (
        ("of", "plan"),
        ("month_in_words", "kept"),
        ("worth", "status"),
        ("decided_by", "decided"),
        "reason",
        ("stripe_id", "error"),
    )
    readonly_fields = ("of", "month_in_words", "kept", "worth", "status", "decided")
    deeds: ClassVar = (APPROVE, DECLINE)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Credits for uptime", **(extra_context or {})})

    @admin.display(description="Customer", ordering="instance__organization__name")
    def whose(self, row: SlaCredit) -> str:
        return f"{row.instance.organization} ({row.instance})"

    @admin.display(description="Instance")
    def of(self, row: SlaCredit) -> SafeString:
        return instance_link(row.instance)

    @admin.display(description="Month", ordering="month")
    def month_in_words(self, row: SlaCredit) -> str:
        return f"{row.month:%B %Y}"

    @admin.display(description="Uptime")
    def kept(self, row: SlaCredit) -> str:
        return f"{in_words(row.reached)} of {in_words(row.promised)}"

    @admin.display(description="Credit", ordering="amount")
    def worth(self, row: SlaCredit) -> str:
        return money(row.amount, row.currency)

    @admin.display(description="State", ordering="state")
    def status(self, row: SlaCredit) -> SafeString:
        return pill(row.state, look=LOOKS[row.state])

    @admin.display(description="Decided")
    def decided(self, row: SlaCredit) -> SafeString | str:
        return when(row.decided_at)
