import pgtrigger
from django.conf import settings
from django.db import models

from portal.core import clock


class AuditEvent(models.Model):
    """Who did what to which object, when, from where, why. Append-only: the database refuses changes and deletions."""

    at = models.DateTimeField(default=clock.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
    )
    actor_label = models.CharField(
        max_length=254, help_text="The address, token or process that acted, as it was then."
    )
    action = models.CharField(max_length=60, db_index=True, help_text="For example instance.create.")
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    organization = models.ForeignKey(
        "core.Organization",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="audit_events",
        db_constraint=False,
    )
    source_address = models.GenericIPAddressField(null=True, blank=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["object_type", "object_id", "-at"], name="audit_by_object"),
            models.Index(fields=["organization", "-at", "-id"], name="audit_by_organization"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.object_id}"


class AuditSeal(models.Model):
    """An event's place in the chain: its digest covers the event and the digest before (decision 19). Append-only."""

    number = models.PositiveBigIntegerField(primary_key=True, help_text="1, 2, 3 and so on, without a gap.")
    event = models.OneToOneField(
        AuditEvent, on_delete=models.DO_NOTHING, related_name="seal", db_constraint=False, editable=False
    )
    digest = models.CharField(max_length=64, help_text="SHA-256, in hexadecimal digits.")
    sealed_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["number"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"
