from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core import clock


class Sync(models.Model):
    """One run that compares what we have with what Google or Stripe has. A worker does it; here is what came of it."""

    class Kind(models.TextChoices):
        PRICES = "prices", "Google's prices"
        PREVIEW = "preview", "What differs at Stripe"
        CATALOGUE = "catalogue", "Our catalogue at Stripe"
        ACCOUNTS = "accounts", "What we know of customers"
        COSTS = "costs", "What Google has charged"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    kind = models.CharField(max_length=9, choices=Kind)
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    requested_for = models.CharField(max_length=254, help_text="Who asked, as the audit knows them.")
    reason = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField(default=clock.now)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="A run that has not ended by then has died.")
    finished_at = models.DateTimeField(null=True, blank=True)
    changes = models.JSONField(default=list, help_text="What it changed, as sentences.")
    problems = models.JSONField(default=list, help_text="What a person should see to, as sentences.")

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["prices", "preview", "catalogue", "accounts", "costs"]), name="sync_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "done", "failed"]), name="sync_status_is_known"
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(status__in=["queued", "running"]), name="one_sync_of_a_kind_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.requested_at:%Y-%m-%d %H:%M}"
