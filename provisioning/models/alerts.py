"""What somebody is told of when it happens: rules, what they have found, what is kept quiet, and who is told how."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core import clock
from portal.core.history import keeps_versions
from portal.core.models.due import Due


@keeps_versions()
class AlertRule(models.Model):
    """What is looked for, from when on it counts, and what is done about it. Its key names its measure and runbook."""

    class Severity(models.TextChoices):
        PAGE = "page", "Somebody is woken"
        TICKET = "ticket", "On the next working day"

    class HealsBy(models.TextChoices):
        REPAIR = "repair", "A repair: all of it becomes as its spec says"
        GROW_DISK = "grow-disk", "Growing the fullest disk"

    key = models.SlugField(primary_key=True, max_length=40, editable=False)
    title = models.CharField(max_length=80, editable=False)
    severity = models.CharField(max_length=6, choices=Severity)
    is_on = models.BooleanField("On", default=True)
    threshold = models.FloatField(help_text="From where on it counts; what of, the title says.")
    for_seconds = models.PositiveIntegerField(default=0, help_text="For so long it has to last before anybody is told.")
    most_apart = models.PositiveSmallIntegerField(
        default=5, help_text="When more than so many begin at once, they are told of together."
    )
    escalate_after_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="When nobody has acknowledged it by then, more people are told. Empty: never."
    )
    is_mailed = models.BooleanField("By mail", default=True, help_text="Off where a mail of its own says the same.")
    heals_a_day = models.PositiveSmallIntegerField(
        "Heals at most", default=0, help_text="So many times a day an instance is healed by itself. 0: never."
    )
    heals_by = models.CharField(
        max_length=9, choices=HealsBy, default=HealsBy.REPAIR, db_default="repair", editable=False
    )

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(condition=Q(severity__in=["page", "ticket"]), name="alert_severity_is_known"),
            models.CheckConstraint(condition=Q(heals_by__in=["repair", "grow-disk"]), name="alert_healing_is_known"),
        ]

    def __str__(self) -> str:
        return self.title


class Alert(models.Model):
    """Something that a rule has found, from when it was first seen until it is no more. One at a time of a kind.

    `subject` is whatever it is about, by id; "" is the fleet. It is open once it has lasted as long as the rule says.
    """

    rule = models.ForeignKey(AlertRule, on_delete=models.PROTECT, related_name="alerts")
    subject = models.CharField(max_length=64, blank=True)
    instance = models.ForeignKey("Instance", null=True, blank=True, on_delete=models.CASCADE, related_name="alerts")
    sentence = models.TextField()
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    opened_at = models.DateTimeField(null=True, blank=True, db_index=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it is kept quiet.")
    incident = models.CharField(
        max_length=60, blank=True, db_index=True, help_text="The same for all that was told of together."
    )
    escalated_at = models.DateTimeField(null=True, blank=True)
    healed_at = models.DateTimeField(null=True, blank=True, help_text="When something was begun against it by itself.")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-first_seen_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"], condition=Q(resolved_at=None), name="one_alert_of_a_kind_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=False)
                | Q(told_at=None, escalated_at=None, acknowledged_at=None, resolved_at=None),
                name="nothing_comes_of_what_is_not_open",
            ),
        ]

    def __str__(self) -> str:
        return self.sentence


class Silence(models.Model):
    """What is known and expected is told to nobody until then: of a rule, of an instance, or of both together."""

    rule = models.ForeignKey(AlertRule, null=True, blank=True, on_delete=models.CASCADE, related_name="silences")
    instance = models.ForeignKey("Instance", null=True, blank=True, on_delete=models.CASCADE, related_name="silences")
    until = models.DateTimeField()
    reason = models.CharField(max_length=500)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-until"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rule__isnull=False) | Q(instance__isnull=False), name="a_silence_is_of_something"
            ),
            models.CheckConstraint(
                condition=Q(until__gt=models.F("created_at")), name="a_silence_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule or 'everything'} of {self.instance or 'all'}"


class Notice(Due):
    """What is to be said on one channel: that alerts began, are still there unacknowledged, or are over."""

    class Kind(models.TextChoices):
        OPENED = "opened"
        ESCALATED = "escalated"
        RESOLVED = "resolved"
        TEST = "test"

    class Channel(models.TextChoices):
        SLACK = "slack"
        PAGERDUTY = "pagerduty"

    channel = models.CharField(max_length=9, choices=Channel)
    kind = models.CharField(max_length=9, choices=Kind)
    alerts = models.ManyToManyField(Alert, related_name="notices")
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=["slack", "pagerduty"]), name="notice_channel_is_known"),
            models.CheckConstraint(
                condition=Q(kind__in=["opened", "escalated", "resolved", "test"]), name="notice_kind_is_known"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="notices_due")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}"
