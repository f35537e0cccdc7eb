from django.db import models
from django.db.models import Q

from portal.core.models.due import Due


class Upkeep(Due):
    """That an instance is as its money says, and when that is looked at next: never once it is deleted.

    Beside it what was found: where it stands, until when, and when its data has been kept long enough.
    """

    instance = models.OneToOneField(
        "provisioning.Instance", primary_key=True, on_delete=models.CASCADE, related_name="upkeep"
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, blank=True, help_text="Where it stands: billing.terms.standing.State.")
    until = models.DateTimeField(null=True, blank=True)
    delete_at = models.DateTimeField(null=True, blank=True)
    told_of_deletion_at = models.DateTimeField(
        null=True, blank=True, help_text="When its people were told of the day on which it is deleted."
    )
    deletable_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was first found to be deleted; it takes a second look to do it."
    )

    class Meta:
        ordering = ["instance_id"]
        verbose_name = verbose_name_plural = "standing"
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="upkeep_due")]

    def __str__(self) -> str:
        return f"{self.instance_id}: {self.state}"
