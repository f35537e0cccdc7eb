"""What is sold: plans and features are edited here, prices are set by a button and never change."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from billing.admin import adoption
from billing.models import Currency, Feature, Interval, Plan, Price, Status, Sync
from billing.services.catalogue import Terms, price_retire, price_set, sold_offer, sold_retire
from billing.services.syncs import catalogue_sync_request, newest_preview, sync_request
from billing.terms.money import money
from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NobodyEdits
from portal.core.admin.words import NOTHING, pill, when
from portal.core.audit import Actor
from portal.core.errors import Invalid
from provisioning.admin.catalogue import AuditedPage
from provisioning.fleet.features import check_feature

LOOKS: Final = {"draft": "pending", "offered": "done", "retired": "cancelled"}


class PriceForm(ReasonForm):
    interval = forms.ChoiceField(choices=Interval, widget=UnfoldAdminSelectWidget)
    currency = forms.ChoiceField(choices=Currency, widget=UnfoldAdminSelectWidget)
    unit_amount = forms.IntegerField(
        min_value=1,
        label="Amount, in minor units",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Cents, pence or yen, for one seat, unit or instance. Who has subscribed keeps the former price.",
    )
    field_order = ("interval", "currency", "unit_amount", "reason")


def _set_price(sold: Plan | Feature, answers: Answers, actor: Actor) -> str:
    terms = Terms(Interval(answers["interval"]), Currency(answers["currency"]))
    price = price_set(sold=sold, terms=terms, unit_amount=answers["unit_amount"], actor=actor, reason=answers["reason"])
    return f"{sold} costs {amount(price)} now. Stripe learns of it by the next sync."


def _offer(sold: Plan | Feature, answers: Answers, actor: Actor) -> str:
    return f"{sold_offer(sold=sold, actor=actor, reason=answers['reason'])} is offered."


def _retire(sold: Plan | Feature, answers: Answers, actor: Actor) -> str:
    return f"{sold_retire(sold=sold, actor=actor, reason=answers['reason'])} is sold to nobody any more."


def _retire_price(price: Price, answers: Answers, actor: Actor) -> str:
    return f"Nothing is sold at {price_retire(price=price, actor=actor, reason=answers['reason'])} any more."


def _look(_nothing: None, _answers: Answers, actor: Actor) -> str:
    sync_request(Sync.Kind.PREVIEW, actor=actor)
    return "Stripe is being asked. What differs is said before anything is brought there, and under Syncs."


def _sync(_nothing: None, answers: Answers, actor: Actor) -> str:
    catalogue_sync_request(actor=actor, reason=answers["reason"])
    return "Stripe is being told. What has changed will be said under Syncs."


SET_PRICE = Deed(
    name="price",
    title="Set a price",
    explanation="A price never changes: a new one takes its place for everybody who subscribes from now on.",
    do=_set_price,
    form=PriceForm,
    icon="sell",
    is_possible=lambda sold: sold.status != Status.RETIRED,
    is_usual=True,
)
OFFER = Deed(
    name="offer",
    title="Offer",
    explanation="Customers see it and can have it.",
    do=_offer,
    icon="publish",
    is_possible=lambda sold: sold.status != Status.OFFERED,
)
RETIRE = Deed(
    name="retire",
    title="Retire",
    explanation="It is sold to nobody any more. Who has it keeps it.",
    do=_retire,
    icon="block",
    is_possible=lambda sold: sold.status != Status.RETIRED,
    destroys=True,
)
RETIRE_PRICE = Deed(
    name="retire",
    title="Retire",
    explanation="Nothing is sold at this price any more. Subscriptions at it go on.",
    do=_retire_price,
    icon="block",
    is_possible=lambda price: price.retired_at is None,
    destroys=True,
)
LOOK = Deed(
    name="look",
    title="See what differs",
    explanation="Stripe's products and prices are set against this catalogue. Nothing is changed.",
    do=_look,
    form=DeedForm,
    icon="difference",
)
SYNC = Deed(
    name="sync",
    title="Bring to Stripe",
    explanation="Stripe's products and prices become as this catalogue. What is retired here is archived there.",
    do=_sync,
    icon="sync",
    is_usual=True,
)


def amount(price: Price) -> str:
    """Such as 19.00 USD per seat, monthly."""
    return f"{money(price.unit_amount, price.currency)}, {price.get_interval_display()}"


class SoldPage(AuditedPage, PageWithDeeds):
    """A plan or a feature: who is staff edits what it is; whether it is sold, and for how much, takes a reason."""

    deeds: ClassVar = (SET_PRICE, OFFER, RETIRE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).prefetch_related("prices")
        return rows

    def get_readonly_fields(self, _request: HttpRequest, row: Any = None) -> tuple[str, ...]:
        return ("name", "state", "costs") if row else ("state", "costs")

    @admin.display(description="Status", ordering="status")
    def state(self, sold: Plan | Feature) -> SafeString:
        return pill(sold.status, look=LOOKS[sold.status])

    @admin.display(description="Prices")
    def costs(self, sold: Plan | Feature) -> SafeString | str:
        current = [price for price in sold.prices.all() if price.retired_at is None] if sold.pk else []
        return format_html_join(SafeString("<br>"), "{}", ((amount(price),) for price in current)) or NOTHING


@admin.register(Plan)
class PlanPage(SoldPage):
    list_display = ("title", "state", "costs", "minimum_seats", "position")
    list_filter = ("status",)
    search_fields = ("name", "title")
    fields = (("name", "title"), "description", ("minimum_seats", "position"), "sizes", "features",
              ("uptime_promise", "credit_percent"), ("state", "costs"))  # fmt: skip


class FeatureForm(forms.ModelForm):  # type: ignore[type-arg] # generic for the type checker alone
    """What it adds can be made: a draft alone may say more than there are steps for."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.status != Status.DRAFT and {"values", "parts"} <= cleaned.keys():
            try:
                check_feature(cleaned["values"], cleaned["parts"])
            except Invalid as wrong:
                self.add_error(wrong.field, str(wrong))
        return cleaned


@admin.register(Feature)
class FeaturePage(SoldPage):
    form = FeatureForm
    list_display = ("title", "state", "costs", "charge", "position")
    list_filter = ("status", "charge")
    search_fields = ("name", "title")
    fields = (
        ("name", "title"),
        "summary",
        "effect",
        ("charge", "position"),
        ("unit_title", "most_units"),
        ("minimum_version", "smallest_size"),
        "plans",
        ("restarts", "can_be_tried"),
        ("values", "parts"),
        "state",
        "costs",
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("adoption/", view(self.adoption_view), name="billing_feature_adoption"),
            path("adoption.csv", view(adoption.table), name="billing_feature_adoption_csv"),
            *super().get_urls(),
        ]

    def adoption_view(self, request: HttpRequest) -> HttpResponse:
        """Who may use features, wants them, and uses them."""
        return adoption.page(request, {**self.admin_site.each_context(request), "opts": self.opts})


@admin.register(Price)
class PricePage(NobodyEdits, PageWithDeeds):
    list_display = ("lookup_key", "of", "costs", "state", "since", "stripe_id")
    list_filter = ("currency", "interval", ("retired_at", admin.EmptyFieldListFilter))
    list_select_related = ("plan", "feature")
    search_fields = ("lookup_key", "stripe_id")
    fields = (("lookup_key", "of"), ("costs", "state"), ("created_at", "retired_at"), "stripe_id")
    readonly_fields = ("lookup_key", "of", "costs", "state", "created_at", "retired_at", "stripe_id")
    deeds: ClassVar = (RETIRE_PRICE,)
    list_deeds: ClassVar = (SYNC, LOOK)

    @admin.display(description="Of")
    def of(self, price: Price) -> str:
        return str(price.plan or price.feature)

    @admin.display(description="Price", ordering="unit_amount")
    def costs(self, price: Price) -> str:
        return amount(price)

    @admin.display(description="Status", ordering="retired_at")
    def state(self, price: Price) -> SafeString:
        return pill("retired", look="cancelled") if price.retired_at else pill("sold", look="done")

    @admin.display(description="Since", ordering="created_at")
    def since(self, price: Price) -> SafeString | str:
        return when(price.created_at)

    def beside(self, _request: HttpRequest, deed: Deed, _target: Any, _form: Any) -> dict[str, Any]:
        """Before the sync, what it would change."""
        return {"consequences": _foreseen(newest_preview())} if deed is SYNC else {}


def _foreseen(preview: Sync | None) -> list[str]:
    if preview is None:
        return ["Nobody has looked lately. “See what differs”, above the list of prices, does that first."]
    if preview.finished_at is None:
        return ["Stripe is being asked what differs. Load this page again in a moment."]
    if preview.status == Sync.Status.FAILED:
        return [*preview.problems, "Look again first."]
    return [*(preview.changes or ["Nothing differs."]), f"As of {preview.finished_at:%H:%M} UTC."]
