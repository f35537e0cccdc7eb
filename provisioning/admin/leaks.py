"""Leaks: what is ours in the cloud and nobody owns, and what an instance should have and has not."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds
from portal.core.admin.pages import NarrowedFilter, NobodyEdits
from portal.core.admin.words import pill, when
from portal.core.audit import Actor
from provisioning.models import Instance, InstanceStatus, Leak
from provisioning.services import leak_remove, leaks_check_request

KINDS = {Leak.Kind.ORPHAN: "nobody owns it", Leak.Kind.GONE: "it is gone"}


def _check(_nothing: None, _answers: Answers, actor: Actor) -> str:
    leaks_check_request(actor=actor)
    return "Every listing is gone through anew. What is found is here in a minute or two."


def _tear_down_again(leak: Leak, answers: Answers, actor: Actor) -> str:
    leak_remove(leak=leak, actor=actor, reason=answers["reason"])
    return "The teardown runs once more. The next check closes the leak."


def _is_of_a_deleted_instance(leak: Leak) -> bool:
    if leak.resolved_at or leak.kind != Leak.Kind.ORPHAN:
        return False
    return Instance.objects.filter(pk=leak.instance_id, status=InstanceStatus.DELETED).exists()


CHECK = Deed(
    name="check",
    title="Check now",
    explanation="All our projects, names and clusters are listed and set against the instances. Nothing is changed.",
    do=_check,
    form=DeedForm,
    icon="fact_check",
)
TEAR_DOWN_AGAIN = Deed(
    name="teardown",
    title="Tear down again",
    explanation="The teardown of the deleted instance runs once more, and proves again that nothing is left.",
    do=_tear_down_again,
    is_possible=_is_of_a_deleted_instance,
    icon="delete_sweep",
    is_usual=True,
)


class OpenFilter(NarrowedFilter):
    """Without it only open leaks are listed."""

    usual = "Open"
    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("resolved", "Resolved"), ("all", "All")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Leak]) -> QuerySet[Leak]:
        if self.value() == "all":
            return rows
        return rows.filter(resolved_at__isnull=self.value() is None)


@admin.register(Leak)
class LeakPage(NobodyEdits, PageWithDeeds):
    list_display = ("name", "what", "whose", "since", "seen", "state")
    list_display_links = ("name",)
    list_filter = (OpenFilter, ("kind", ChoicesCheckboxFilter))
    search_fields = ("resource", "instance_id")
    search_help_text = "Resource or the instance's id"
    fields = (("what", "state"), ("whose", "source"), ("since", "seen"), "name")
    readonly_fields = ("what", "state", "whose", "since", "seen", "name")
    deeds: ClassVar = (TEAR_DOWN_AGAIN,)
    list_deeds: ClassVar = (CHECK,)
    change_form_template = "admin/leak.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Leak]:
        rows: QuerySet[Leak] = super().get_queryset(request)
        owner = Instance.objects.filter(pk=OuterRef("instance_id"))
        return rows.annotate(owner_slug=Subquery(owner.values("slug")), owner_status=Subquery(owner.values("status")))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        leak = self.get_queryset(request).filter(pk=unquote(object_id)).first()
        context = {"what_to_do": what_to_do(leak), **(extra_context or {})} if leak else extra_context
        answer: HttpResponseBase = super().change_view(request, object_id, form_url, context)
        return answer

    @admin.display(description="Resource", ordering="resource")
    def name(self, leak: Leak) -> SafeString:
        return format_html('<code class="resource">{}</code>', leak.resource)

    @admin.display(description="What", ordering="kind")
    def what(self, leak: Leak) -> str:
        return KINDS[Leak.Kind(leak.kind)]

    @admin.display(description="Instance", ordering="owner_slug")
    def whose(self, leak: Any) -> SafeString:
        if not leak.owner_slug:
            return format_html('unknown<br><span class="id">{}</span>', leak.instance_id)
        address = reverse("admin:provisioning_instance_change", args=[leak.instance_id])
        name = format_html('<a href="{}" class="link whole">{}</a>', address, leak.owner_slug)
        return format_html('{}<br><span class="id">{}</span>', name, leak.owner_status)

    @admin.display(description="Since", ordering="first_seen_at")
    def since(self, leak: Leak) -> SafeString | str:
        return when(leak.first_seen_at)

    @admin.display(description="Last seen", ordering="last_seen_at")
    def seen(self, leak: Leak) -> SafeString | str:
        return when(leak.last_seen_at)

    @admin.display(description="State", ordering="resolved_at")
    def state(self, leak: Leak) -> SafeString:
        return pill("resolved" if leak.resolved_at else "open")


def what_to_do(leak: Any) -> str:
    """How a person gets on with a leak of `LeakPage.get_queryset`."""
    if leak.resolved_at:
        return "Nothing: the last check no longer found it."
    if leak.kind == Leak.Kind.GONE:
        return (
            "The instance should have it, and the cloud says it is not there. Open the instance: a repair makes it "
            "again. Data that lay in it comes back only from a backup."
        )
    if leak.owner_status == InstanceStatus.DELETED:
        return "It is left over from a deleted instance, and may cost money. Tear the instance down again."
    if leak.owner_status:
        return "Its instance is not deleted after all. The next check closes the leak; if it stays, look at its labels."
    return (
        "It bears our label, and no instance is known that it belongs to. Find out in the cloud's own audit log who "
        "made it, then remove it by hand; the next check closes the leak. Nothing here touches what we do not know."
    )
