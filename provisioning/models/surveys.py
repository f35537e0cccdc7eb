"""What the outside looks like, set against a spec: plans before a deed, drift afterwards. Nothing here changes it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core import clock, ids
from provisioning.models.operations import OperationKind


class Survey(models.Model):
    """The looks of one kind of operation at one instance, without a deed.

    A PLAN tells what an operation would do; a DRIFT survey tells what is not as the spec says (there is one for each
    instance, renewed daily). `findings` grows look by look: see provisioning.engine.survey.Finding.
    """

    class Purpose(models.TextChoices):
        PLAN = "plan"
        DRIFT = "drift"

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"

    id = models.CharField(primary_key=True, max_length=24, default=ids.survey_id, editable=False)
    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="surveys")
    purpose = models.CharField(max_length=5, choices=Purpose)
    kind = models.CharField(max_length=24, choices=OperationKind)
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    wanted = models.JSONField(help_text="The spec that is looked for.")
    previous = models.JSONField(help_text="The instance's spec as it was at the beginning.")
    findings = models.JSONField(default=list, blank=True)
    outputs = models.JSONField(default=dict, blank=True, help_text="What the looks so far put out, by step.")
    differing = models.PositiveIntegerField(default=0, help_text="How many things are not as wanted, or missing.")
    unclear = models.PositiveIntegerField(default=0, help_text="How many things could not be looked at.")
    due_at = models.DateTimeField(null=True, blank=True, default=clock.now)
    lease_token = models.PositiveBigIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(default=clock.now, help_text="Of the present, or else the latest round.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "drift check"
        verbose_name_plural = "drift"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["instance"], condition=Q(purpose="drift"), name="one_drift_survey_each"),
            models.CheckConstraint(
                condition=Q(status="running", due_at__isnull=False) | Q(status="done", due_at__isnull=True),
                name="a_running_survey_is_due",
            ),
            models.CheckConstraint(condition=Q(purpose__in=["plan", "drift"]), name="survey_purpose_is_known"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="surveys_that_are_due")]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.instance}"


class Leak(models.Model):
    """What cloud and database disagree about: something of ours that nobody owns, or an instance whose own is gone.

    Found again daily: `last_seen_at` moves on; it is `resolved_at` once a pass no longer finds it.
    """

    class Kind(models.TextChoices):
        ORPHAN = "orphan", "in the cloud, and no live instance owns it"
        GONE = "gone", "of a live instance, and not in the cloud"

    kind = models.CharField(max_length=6, choices=Kind)
    resource = models.CharField(max_length=400, help_text="Its full name in the outside system.")
    source = models.CharField(max_length=80, help_text="Which listing it was found by.")
    instance_id = models.CharField(max_length=24, blank=True, help_text="By its label; the instance may be unknown.")
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-first_seen_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "resource"], condition=Q(resolved_at__isnull=True), name="a_leak_is_open_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=["orphan", "gone"]), name="leak_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.resource
