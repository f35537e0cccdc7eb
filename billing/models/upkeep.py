from django.db import models
from django.db.models import Q

from portal.core import clock


class Upkeep(models.Model):
    """That an instance is as its money says, and when that is looked at next.

    `asked_at` is when something last said that it may have changed; `due_at` when it is to be looked at (None: it is
    deleted). Whoever looks moves `due_at` on and raises `turn`; only the newest turn may write. The rest is what was
    found: where it stands, until when, and when its data has been kept long enough.
    """

    instance = models.OneToOneField(
        "provisioning.Instance", primary_key=True, on_delete=models.CASCADE, related_name="upkeep"
    )
    asked_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, blank=True, default=clock.now)
    turn = models.PositiveBigIntegerField(default=0)
    looked_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, blank=True, help_text="Where it stands: billing.terms.standing.State.")
    until = models.DateTimeField(null=True, blank=True)
    delete_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="", help_text="Why it is not as its money says.")

    class Meta:
        ordering = ["instance_id"]
        verbose_name = verbose_name_plural = "standing"
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="upkeep_due")]

    def __str__(self) -> str:
        return f"{self.instance_id}: {self.state}"
