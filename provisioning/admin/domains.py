"""Names of customers' own: whose they are and where they lead. What is not on can be given free."""

from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.core.admin.deeds import Answers, Deed, PageWithDeeds
from portal.core.admin.pages import NobodyEdits
from portal.core.admin.words import when
from portal.core.audit import Actor
from provisioning.admin.links import instance_link
from provisioning.models import CustomDomain
from provisioning.services.domains import domain_release


def _release(domain: CustomDomain, answers: Answers, actor: Actor) -> str:
    domain_release(domain=domain, actor=actor, reason=answers["reason"])
    return f"{domain} is free: whoever tells it first has it."


RELEASE = Deed(
    name="release",
    title="Give the name free",
    explanation="Another organization can have it then. If this one's record still leads to an instance, whoever has "
    "that instance's own name by now could take it: ask them to remove the record first.",
    do=_release,
    is_possible=lambda domain: domain.instance.custom_domain != domain.pk,
    icon="lock_open",
    destroys=True,
)


@admin.register(CustomDomain)
class CustomDomainPage(NobodyEdits, PageWithDeeds):
    list_display = ("name", "whose", "state", "found", "looked", "lost")
    list_filter = ("state",)
    list_select_related = ("instance__organization",)
    search_fields = ("name", "instance__slug", "instance__id", "instance__organization__name")
    search_help_text = "Name, instance or organization"
    fields = (
        "name", "of", ("state", "found"), ("looked", "error"), ("told_at", "proved_at"), ("lost", "due_at"),
    )  # fmt: skip
    readonly_fields = ("of", "looked", "lost")
    deeds: ClassVar = (RELEASE,)

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, domain: CustomDomain) -> SafeString:
        name = domain.instance.organization.name
        return format_html('{}<br><span class="id whole">{}</span>', domain.instance.slug, name)

    @admin.display(description="Instance")
    def of(self, domain: CustomDomain) -> SafeString:
        return instance_link(domain.instance)

    @admin.display(description="Looked up", ordering="looked_at")
    def looked(self, domain: CustomDomain) -> SafeString | str:
        return when(domain.looked_at)

    @admin.display(description="Lost since", ordering="lost_at")
    def lost(self, domain: CustomDomain) -> SafeString | str:
        return when(domain.lost_at)
