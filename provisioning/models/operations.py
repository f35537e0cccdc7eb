"""Operations and their steps: the only memory of the engine. How they move is in provisioning/engine."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q, Value

from portal.core import clock, ids


class OperationKind(models.TextChoices):
    PROVISION = "provision"
    UPGRADE = "upgrade"
    RESIZE = "resize"
    APPLY_FEATURES = "apply-features"
    SUSPEND = "suspend"
    RESUME = "resume"
    REPAIR = "repair"
    ROLLBACK = "rollback"
    RESTORE = "restore"
    REHEARSE = "rehearse"
    MIGRATE_ARCHITECTURE = "migrate-architecture"
    EXPORT = "export"
    TAKEOVER = "takeover"
    TEARDOWN = "teardown"


class OperationStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    UNDONE = "undone"
    FAILED = "failed"
    STUCK = "stuck"
    CANCELLED = "cancelled"


ACTIVE = (OperationStatus.RUNNING, OperationStatus.UNDOING)
LIVE = (OperationStatus.QUEUED, *ACTIVE)


class StepStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"


class Operation(models.Model):
    """One durable job on one instance. `wanted` and `previous` are snapshots, so that it ends as it was begun."""

    id = models.CharField(primary_key=True, max_length=24, default=ids.operation_id, editable=False)
    instance = models.ForeignKey("Instance", on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=24, choices=OperationKind)
    status = models.CharField(max_length=10, choices=OperationStatus, default=OperationStatus.QUEUED)
    wanted = models.JSONField(help_text="The instance's spec as it is to be.")
    previous = models.JSONField(null=True, blank=True, help_text="The spec as it was, to go back to.")
    inputs = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What its kind needs beyond the specs, such as the backup to restore.",
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(blank=True)
    request_id = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Of the click or call that asked for it: it is in the log."
    )
    traceparent = models.CharField(
        max_length=64, blank=True, db_default="", editable=False, help_text="The trace that it goes on with."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.TextField(
        blank=True, db_default="", help_text="Why it does not run yet: completes “waiting for …”."
    )
    error = models.TextField(blank=True, help_text="What went wrong and what to do, in a sentence or two.")
    probes = models.PositiveIntegerField(default=0, db_default=0, help_text="How often it was looked at from outside.")
    failed_probes = models.PositiveIntegerField(default=0, db_default=0, help_text="How many of those failed.")
    downtime_seconds = models.FloatField(
        default=0.0, db_default=0.0, help_text="How long the instance was seen not to answer meanwhile."
    )

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["instance"], condition=Q(status__in=["running", "undoing"]), name="one_active_operation_each"
            ),
            models.UniqueConstraint(
                fields=["instance"], condition=Q(status="queued"), name="one_queued_operation_each"
            ),
            models.CheckConstraint(condition=Q(status__in=OperationStatus.values), name="operation_status_is_known"),
            models.CheckConstraint(condition=Q(kind__in=OperationKind.values), name="operation_kind_is_known"),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="queued"), name="operations_that_wait"),
            models.Index(fields=["kind"], condition=Q(status__in=["running", "undoing"]), name="operations_under_way"),
            BrinIndex(fields=["finished_at"], name="operations_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.instance}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class Step(models.Model):
    """One idempotent piece of an operation.

    A row that has to be worked on has `due_at`. Whoever claims it moves `due_at` to the end of its lease, so that a
    dead worker's step becomes due again by itself, and raises `lease_token`, so that a late worker's result is refused.
    """

    class Direction(models.TextChoices):
        FORWARD = "forward"
        BACK = "back"

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField()
    needs = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    queue = models.CharField(max_length=12, default="steps")
    status = models.CharField(max_length=10, choices=StepStatus, default=StepStatus.PENDING)
    direction = models.CharField(max_length=8, choices=Direction, default=Direction.FORWARD)
    due_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.PositiveBigIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Transient failures in a row.")
    started_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.TextField(blank=True)
    error = models.TextField(blank=True)
    outputs = models.JSONField(default=dict, blank=True)
    generation = models.PositiveIntegerField(
        default=0, help_text="Goes into the request ids of outside calls; a person's retry raises it."
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "name"], name="one_step_of_a_name"),
            models.CheckConstraint(condition=Q(status__in=StepStatus.values), name="step_status_is_known"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | ~Q(status__in=["undone", "skipped"]),
                name="settled_steps_are_not_due",
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "due_at"], condition=Q(due_at__isnull=False), name="steps_that_are_due"),
            BrinIndex(fields=["finished_at"], name="steps_by_end"),
        ]

    def __str__(self) -> str:
        return self.name


class StepAttempt(models.Model):
    """What a worker did for a step: one row a claim, except that looks with the same answer share a row."""

    class Outcome(models.TextChoices):
        DONE = "done"
        WAITING = "waiting"
        RETRY = "retry"
        FAILED = "failed"

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="attempts")
    direction = models.CharField(max_length=8, choices=Step.Direction)
    outcome = models.CharField(max_length=8, choices=Outcome)
    worker = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    looks = models.PositiveIntegerField(default=1, help_text="How many claims this row stands for.")
    made = models.JSONField(default=list, blank=True, help_text="What was done to the outside, in order.")
    message = models.TextField(blank=True)
    detail = models.TextField(blank=True, help_text="The error in full.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.step}: {self.outcome}"
