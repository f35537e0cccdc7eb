"""The price book: it is kept by the nightly sync, and nobody edits it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from billing.costs.items import ITEMS
from billing.costs.tables import unit_price
from billing.models import Sync, UnitPrice
from billing.services.syncs import sync_request
from portal.core.admin.deeds import Answers, Deed, PageWithDeeds
from portal.core.admin.pages import NobodyEdits
from portal.core.admin.words import NOTHING, when
from portal.core.audit import Actor


def _sync(_nothing: None, answers: Answers, actor: Actor) -> str:
    sync_request(Sync.Kind.PRICES, actor=actor, reason=answers["reason"])
    return "Google is being asked. What has changed will be said under Syncs."


SYNC = Deed(
    name="sync",
    title="Ask Google now",
    explanation="Google's public catalogue is read, as it is every night, and sizes are reckoned anew.",
    do=_sync,
    icon="sync",
    is_usual=True,
)


@admin.register(UnitPrice)
class UnitPricePage(NobodyEdits, PageWithDeeds):
    list_display = ("what", "price", "region", "since", "source")
    list_filter = ("region", "item", "source")
    search_fields = ("item", "sku")
    search_help_text = "Item or SKU"
    fields = (("what", "price"), ("region", "effective_at"), ("source", "sku"), "recorded_at")
    readonly_fields = ("what", "price", "region", "effective_at", "source", "sku", "recorded_at")
    list_deeds: ClassVar = (SYNC,)
    ordering = ("item", "region", "-effective_at")

    @admin.display(description="Item", ordering="item")
    def what(self, row: UnitPrice) -> str:
        return row.get_item_display()

    @admin.display(description="Price", ordering="nanos")
    def price(self, row: UnitPrice) -> str:
        item = ITEMS.get(row.item)
        return f"{unit_price(row.nanos)} USD per {item.unit_word}" if item else NOTHING

    @admin.display(description="Since", ordering="effective_at")
    def since(self, row: UnitPrice) -> SafeString | str:
        return when(row.effective_at)

    def get_readonly_fields(self, _request: Any, _row: Any = None) -> tuple[str, ...]:
        return self.readonly_fields
