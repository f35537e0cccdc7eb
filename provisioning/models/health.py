"""What is seen of instances from outside, by a prober that people's browsers could stand in for."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from portal.core import clock


class ProbeTally(models.Model):
    """How many probes of an instance there were in one hour, and how many of them failed. Kept for 90 days."""

    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="probe_tallies", db_index=False)
    hour = models.DateTimeField(help_text="Its beginning.")
    probes = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    minutes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="In how many of its minutes there were any: for so long it was watched."
    )

    class Meta:
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "hour"], name="one_tally_an_hour"),
            models.CheckConstraint(condition=Q(failed__lte=models.F("probes")), name="no_more_failed_than_probed"),
            models.CheckConstraint(condition=Q(minutes__lte=60), name="an_hour_has_sixty_minutes"),
        ]
        indexes = [BrinIndex(fields=["hour"], name="hours_by_age")]  # rows come in the order of time

    def __str__(self) -> str:
        return f"{self.failed} of {self.probes}"


class ProbeMinute(models.Model):
    """The same for one minute. Kept for a day."""

    pk = models.CompositePrimaryKey("instance", "minute")
    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="+", db_index=False)
    minute = models.DateTimeField(help_text="Its beginning.")
    probes = models.PositiveSmallIntegerField(default=0)
    failed = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-minute"]
        constraints = [
            models.CheckConstraint(condition=Q(failed__lte=models.F("probes")), name="no_more_failed_in_a_minute"),
        ]
        indexes = [BrinIndex(fields=["minute"], name="minutes_by_age")]  # rows come in the order of time

    def __str__(self) -> str:
        return f"{self.failed} of {self.probes}"


class UptimeDay(models.Model):
    """How an instance did on one day (UTC), in seconds. Kept for ever: 365 rows a year."""

    pk = models.CompositePrimaryKey("instance", "day")
    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="uptime_days", db_index=False)
    day = models.DateField()
    watched_seconds = models.PositiveIntegerField(help_text="For how long it was known whether it answered.")
    down_seconds = models.FloatField(default=0, help_text="For how long it did not answer, for whatever reason.")
    planned_seconds = models.FloatField(default=0, help_text="Of that: by a change within its maintenance window.")

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(planned_seconds__gte=0, planned_seconds__lte=models.F("down_seconds")),
                name="no_more_planned_than_down",
            ),
        ]
        indexes = [models.Index(fields=["day"], name="uptime_by_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.down_seconds:.0f} s down"


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
