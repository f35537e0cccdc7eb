"""What came of each run that compared our catalogues with Google's and Stripe's."""

from typing import Final

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing.models import Sync
from portal.core.admin.pages import ReadOnlyPage
from portal.core.admin.words import NOTHING, pill, when

LOOKS: Final = {"running": "under way"}  # as what else their state looks


@admin.register(Sync)
class SyncPage(ReadOnlyPage):
    list_display = ("what", "state", "requested", "requested_for", "found")
    list_filter = ("kind", "status")
    fields = (("what", "state"), ("requested", "finished"), ("requested_for", "reason"), "changed", "left")
    readonly_fields = ("what", "state", "requested", "finished", "requested_for", "reason", "changed", "left")

    @admin.display(description="What", ordering="kind")
    def what(self, sync: Sync) -> str:
        return sync.get_kind_display()

    @admin.display(description="Status", ordering="status")
    def state(self, sync: Sync) -> SafeString:
        return pill(sync.status, look=LOOKS.get(sync.status, ""))

    @admin.display(description="Requested", ordering="requested_at")
    def requested(self, sync: Sync) -> SafeString | str:
        return when(sync.requested_at)

    @admin.display(description="Finished", ordering="finished_at")
    def finished(self, sync: Sync) -> SafeString | str:
        return when(sync.finished_at)

    @admin.display(description="Found")
    def found(self, sync: Sync) -> str:
        if sync.finished_at is None:
            return NOTHING
        return f"{len(sync.changes)} changed, {len(sync.problems)} to look at"

    @admin.display(description="Changed")
    def changed(self, sync: Sync) -> SafeString | str:
        return _sentences(sync.changes)

    @admin.display(description="To look at")
    def left(self, sync: Sync) -> SafeString | str:
        return _sentences(sync.problems)


def _sentences(found: list[str]) -> SafeString | str:
    return format_html_join(SafeString("<br>"), "{}", ((sentence,) for sentence in found)) or NOTHING
