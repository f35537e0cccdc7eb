"""That an instance is used by more people than is paid for."""

from django.db import models
from django.db.models import F, Q

from portal.core import clock


class SeatOveruse(models.Model):
    """An episode of it, told once: from the day on which it was first counted until it is in order again.

    `paid` and `used` are as they were when it was found.
    """

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.CASCADE, related_name="seat_overuses")
    began_on = models.DateField()
    paid = models.PositiveIntegerField()
    used = models.PositiveIntegerField()
    found_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["instance"], condition=Q(ended_at__isnull=True), name="one_open_overuse_each"
            ),
            models.CheckConstraint(condition=Q(used__gt=F("paid")), name="an_overuse_is_over"),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.paid} seats"
