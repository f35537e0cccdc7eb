"""What an instance can be made of: sizes and releases."""

from django.db import models

from portal.core import clock
from portal.core.history import keeps_versions


class Channel(models.TextChoices):
    """What an instance follows, from the boldest on. A release goes to a channel and to all that are bolder."""

    INSIDERS = "insiders"
    EARLY = "early"
    STABLE = "stable"
    PAUSED = "paused"


RELEASED_TO = [(str(channel), channel.label) for channel in (Channel.INSIDERS, Channel.EARLY, Channel.STABLE)]


@keeps_versions()
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
    infrastructure_cents = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="List price of its infrastructure, US cents a month; reckoned where the price book knows all of it.",
    )

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.name} (up to {self.users:,} people)"


class Chart(models.Model):
    """A chart as it was fetched once. Its archive lies here: an upgrade asks no registry, and gets what was tested."""

    digest = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the archive, as hex digits.")
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=40)
    source = models.CharField(max_length=400, help_text="Where it was fetched from.")
    archive = models.BinaryField(editable=False)
    fetched_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-fetched_at"]

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.digest[:12]})"


@keeps_versions(exclude=["notes"])
class Release(models.Model):
    """One version of the application and the chart that installs it. Once imported, both stay what they are."""

    class Kind(models.TextChoices):
        MAJOR = "major"
        MINOR = "minor"
        PATCH = "patch"

    class Status(models.TextChoices):
        """A draft is offered to nobody yet; what was withdrawn is offered to nobody any more."""

        DRAFT = "draft"
        PUBLISHED = "published"
        WITHDRAWN = "withdrawn"

    app_version = models.CharField(max_length=40, unique=True)
    chart_version = models.CharField(max_length=40)
    chart = models.ForeignKey(Chart, null=True, blank=True, on_delete=models.PROTECT, related_name="releases")
    kind = models.CharField(max_length=5, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT, db_default="draft")
    channel = models.CharField(
        max_length=10, choices=RELEASED_TO, default=Channel.STABLE, help_text="The widest channel that gets it."
    )
    notes = models.TextField(blank=True, db_default="", help_text="What customers read of it. Markdown.")
    minimum_version = models.CharField(
        max_length=40, blank=True, db_default="", help_text="The oldest version that can be upgraded to it directly."
    )
    schema_is_compatible = models.BooleanField(
        default=True,
        db_default=True,
        help_text="The version before runs on its database schema: then a failed upgrade goes back by itself.",
    )
    released_at = models.DateTimeField(default=clock.now)
    withdrawn_because = models.TextField(blank=True, db_default="")

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["major", "minor", "patch"]), name="release_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["draft", "published", "withdrawn"]), name="release_status_is_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="published") | models.Q(chart__isnull=False),
                name="what_is_published_has_a_chart",
            ),
        ]

    def __str__(self) -> str:
        return self.app_version
