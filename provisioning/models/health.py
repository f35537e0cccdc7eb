"""What is seen of instances: from outside, by a prober that people's browsers could stand in for, and from inside."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from portal.core import clock
from portal.core.models.due import Due


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


class Health(Due):
    """What the round has found inside an instance (decision 22). What people are told follows from that and more.

    `findings` are those of provisioning.health.inside.findings, as JSON. `checked_at` is when all of it was last seen.
    """

    class State(models.TextChoices):
        HEALTHY = "healthy"
        DEGRADED = "degraded"
        DOWN = "down"
        SUSPENDED = "suspended"
        UNKNOWN = "unknown"

    instance = models.OneToOneField("Instance", primary_key=True, on_delete=models.CASCADE, related_name="health")
    state = models.CharField(max_length=9, choices=State, default=State.UNKNOWN)
    reason = models.TextField(blank=True, default="")
    since = models.DateTimeField(default=clock.now)
    checked_at = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True)
    standby_lag_seconds = models.FloatField(
        null=True, blank=True, help_text="How far the copy of its databases in the other region was behind."
    )
    standby_seen_at = models.DateTimeField(null=True, blank=True, help_text="When that was so.")
    volumes_copied_at = models.DateTimeField(
        null=True, blank=True, help_text="Of when the newest backup of its volumes in the other region is."
    )

    class Meta:
        verbose_name_plural = "health"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["healthy", "degraded", "unknown"]),
                name="inside_it_is_neither_down_nor_suspended",
            ),
            models.CheckConstraint(
                condition=~Q(state="degraded") | ~Q(reason=""), name="what_is_degraded_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(standby_lag_seconds__isnull=True)
                | Q(standby_lag_seconds__gte=0, standby_seen_at__isnull=False),
                name="a_lag_was_seen_at_some_time",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="health_due")]

    def __str__(self) -> str:
        return f"{self.instance_id}: {self.state}"
