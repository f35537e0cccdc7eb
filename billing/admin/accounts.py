"""Where customers stand, what Stripe has told of them, and what it has told at all."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.admin.extending import EXTEND, consequences
from billing.models import Account, StripeEvent, Subscription, Upkeep
from billing.services.facts import accounts_ask
from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds
from portal.core.admin.pages import NobodyEdits, ReadOnlyPage, ReadOnlyRows
from portal.core.admin.words import NOTHING, pill, when
from portal.core.audit import Actor

LOOKS: Final = {
    "trial": "running",
    "subscribed": "running",
    "ending": "late",
    "in grace": "late",
    "trial ended": "suspended",
    "unpaid": "failed",
    "paused": "suspended",
    "ended": "suspended",
}


def _fetch(account: Account, _answers: Answers, _actor: Actor) -> str:
    accounts_ask(Account.objects.filter(pk=account.pk))
    return "Stripe is being asked."


FETCH = Deed(
    name="fetch",
    title="Ask Stripe now",
    explanation="What Stripe has of this customer is fetched anew. It changes nothing there.",
    do=_fetch,
    form=DeedForm,
    icon="sync",
    is_usual=True,
)


@admin.register(Upkeep)
class UpkeepPage(NobodyEdits, PageWithDeeds):
    list_display = ("instance", "organization", "stands", "ends", "deleted", "error")
    list_filter = ("state", "instance__kind", "instance__status")
    list_select_related = ("instance__organization",)
    search_fields = ("instance__slug", "instance__organization__name")
    search_help_text = "Instance or organization"
    fields = (("instance", "organization"), ("stands", "ends"), ("deleted", "looked"), "error")
    readonly_fields = ("instance", "organization", "stands", "ends", "deleted", "looked", "error")
    ordering = ("until",)
    deeds: ClassVar = (EXTEND,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upkeep]:
        rows: QuerySet[Upkeep] = super().get_queryset(request)
        return rows.exclude(instance__status="deleted")

    def beside(self, _request: HttpRequest, deed: Deed, target: Any, form: DeedForm) -> dict[str, Any]:
        """Before an extension, what it means."""
        return {"consequences": consequences(target, form)} if deed is EXTEND else {}

    @admin.display(description="Organization", ordering="instance__organization__name")
    def organization(self, upkeep: Upkeep) -> str:
        return str(upkeep.instance.organization)

    @admin.display(description="Stands at", ordering="state")
    def stands(self, upkeep: Upkeep) -> SafeString | str:
        return pill(upkeep.state, look=LOOKS.get(upkeep.state, "")) if upkeep.state else NOTHING

    @admin.display(description="Until", ordering="until")
    def ends(self, upkeep: Upkeep) -> SafeString | str:
        return when(upkeep.until)

    @admin.display(description="Data kept until", ordering="delete_at")
    def deleted(self, upkeep: Upkeep) -> SafeString | str:
        return when(upkeep.delete_at)

    @admin.display(description="Last looked at", ordering="looked_at")
    def looked(self, upkeep: Upkeep) -> SafeString | str:
        return when(upkeep.looked_at)


class Subscriptions(ReadOnlyRows):
    model = Subscription
    fields = (
        "stripe_id",
        "instance",
        "status",
        "collection",
        "interval",
        "period_ends_at",
        "cancel_at",
        "unpaid_since",
    )
    readonly_fields = fields


@admin.register(Account)
class AccountPage(NobodyEdits, PageWithDeeds):
    list_display = ("organization", "stripe_id", "fetched", "failures")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "stripe_id")
    fields = (("organization", "stripe_id"), ("fetched", "failures"), "error")
    readonly_fields = ("organization", "stripe_id", "fetched", "failures", "error")
    inlines = (Subscriptions,)
    deeds: ClassVar = (FETCH,)

    @admin.display(description="Known since", ordering="fetched_at")
    def fetched(self, account: Account) -> SafeString | str:
        return when(account.fetched_at)


@admin.register(StripeEvent)
class StripeEventPage(ReadOnlyPage):
    list_display = ("kind", "customer", "happened", "received")
    list_filter = ("kind",)
    search_fields = ("id", "customer")
    fields = (("id", "kind"), "customer", ("happened", "received"))
    readonly_fields = ("id", "kind", "customer", "happened", "received")

    @admin.display(description="Happened", ordering="happened_at")
    def happened(self, event: StripeEvent) -> SafeString | str:
        return when(event.happened_at)

    @admin.display(description="Received", ordering="received_at")
    def received(self, event: StripeEvent) -> SafeString | str:
        return when(event.received_at)
