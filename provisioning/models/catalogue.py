"""What an instance can be made of: sizes and releases."""

from django.db import models

from portal.core import clock


class Size(models.Model):
    """A named capacity row. Requests and disks are chosen for it: the chart's own defaults cost three times as much."""

    name = models.SlugField(max_length=12, primary_key=True)
    users = models.PositiveIntegerField(help_text="How many people it serves well.")
    position = models.PositiveSmallIntegerField(unique=True)
    machine_type = models.CharField(max_length=40)
    node_count = models.PositiveSmallIntegerField()
    node_disk_gb = models.PositiveIntegerField(default=100)
    sql_tier = models.CharField(max_length=40)
    sql_disk_gb = models.PositiveIntegerField()
    sql_is_highly_available = models.BooleanField(default=False)
    gitserver_disk_gb = models.PositiveIntegerField()
    search_disk_gb = models.PositiveIntegerField()
    disk_type = models.CharField(max_length=20, default="pd-balanced")
    frontend_replicas = models.PositiveSmallIntegerField(default=1)
    cpu_share_percent = models.PositiveSmallIntegerField(
        default=100, help_text="What the pods ask for, in percent of the smallest size's requests."
    )
    infrastructure_cents = models.PositiveIntegerField(help_text="List price of its infrastructure, US cents a month.")

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.name} (up to {self.users:,} people)"


class Release(models.Model):
    """One version of the application and the chart that installs it."""

    class Kind(models.TextChoices):
        MAJOR = "major"
        MINOR = "minor"
        PATCH = "patch"

    app_version = models.CharField(max_length=40, unique=True)
    chart_version = models.CharField(max_length=40)
    kind = models.CharField(max_length=5, choices=Kind)
    channel = models.CharField(max_length=10, default="stable")
    released_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["major", "minor", "patch"]), name="release_kind_is_known"
            )
        ]

    def __str__(self) -> str:
        return self.app_version
