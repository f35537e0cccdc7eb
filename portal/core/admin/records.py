"""What happened: the audit, and the mail that was sent or will be."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, RangeDateTimeFilter

from portal.core.admin.pages import ReadOnlyPage
from portal.core.admin.words import sending, when
from portal.core.models import AuditEvent, Mail


@admin.register(AuditEvent)
class AuditPage(ReadOnlyPage):
    list_display = ("happened", "actor_label", "action", "object_id", "organization", "reason")
    list_display_links = ("action",)
    list_select_related = ("organization",)
    list_filter = (("at", RangeDateTimeFilter), ("action", AllValuesCheckboxFilter))
    list_filter_submit = True
    search_fields = ("actor_label", "object_id", "organization__name", "reason")
    search_help_text = "Who, id, organization or reason"
    fields = (
        ("at", "action"),
        ("actor_label", "source_address"),
        ("object_type", "object_id"),
        ("organization", "reason"),
        "details",
    )

    @admin.display(description="When", ordering="at")
    def happened(self, event: AuditEvent) -> SafeString | str:
        return when(event.at)


@admin.register(Mail)
class MailPage(ReadOnlyPage):
    """The outbox. What a mail says is erased once it is sent."""

    list_display = ("recipient", "kind", "state", "created", "tries")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    search_fields = ("recipient", "key", "kind")
    search_help_text = "Recipient, kind or what it is about"
    fields = (("kind", "recipient"), "key", ("created_at", "sent_at"), ("due_at", "attempts"), "error")

    @admin.display(description="State")
    def state(self, mail: Mail) -> SafeString:
        return sending(mail.sent_at, mail.error)

    @admin.display(description="Written", ordering="created_at")
    def created(self, mail: Mail) -> SafeString | str:
        return when(mail.created_at)

    @admin.display(description="Tries", ordering="attempts")
    def tries(self, mail: Mail) -> int:
        return mail.attempts
