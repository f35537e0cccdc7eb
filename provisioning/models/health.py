"""What is seen of instances from outside, by a prober that people's browsers could stand in for."""

from django.db import models
from django.db.models import Q

from portal.core import clock


class ProbeTally(models.Model):
    """How many probes of an instance there were in one hour, and how many of them failed. Kept for 90 days."""

    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="probe_tallies")
    hour = models.DateTimeField(help_text="Its beginning.")
    probes = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "hour"], name="one_tally_an_hour"),
            models.CheckConstraint(condition=Q(failed__lte=models.F("probes")), name="no_more_failed_than_probed"),
        ]
        indexes = [models.Index(fields=["hour"], name="tallies_by_age")]

    def __str__(self) -> str:
        return f"{self.failed} of {self.probes}"


class Outage(models.Model):
    """A time in which an instance did not answer, as seen from outside. Open until it answers again."""

    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="outages")
    operation = models.ForeignKey(
        "Operation",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="outages",
        help_text="What was done to the instance when it began.",
    )
    began_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    failed = models.PositiveIntegerField(default=1, help_text="How many probes failed.")
    what = models.TextField(help_text="How the first of them failed.")

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["instance"], condition=Q(ended_at__isnull=True), name="one_open_outage_each"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("began_at")),
                name="an_outage_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"since {self.began_at:%Y-%m-%d %H:%M}"
