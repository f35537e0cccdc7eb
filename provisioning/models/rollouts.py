"""One change brought to many instances: the policy it follows, its stages, who is in which, and who is held back."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q, Value

from portal.core import clock, ids
from portal.core.history import keeps_versions
from provisioning.models.catalogue import Release

PERCENT = [MaxValueValidator(100)]


class StageTerms(models.Model):
    """What is asked of a stage: whom it takes in, how long it rests, and what it must show before the next begins.

    Shares are percent of all of a kind that have had their turn at its end, so they never fall from stage to stage.
    """

    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    internal_percent = models.PositiveSmallIntegerField(default=100, validators=PERCENT)
    trial_percent = models.PositiveSmallIntegerField(default=0, validators=PERCENT)
    customer_percent = models.PositiveSmallIntegerField(default=0, validators=PERCENT)
    soak_hours = models.PositiveIntegerField(default=0, help_text="How long it rests once all of it is done.")
    soak_skips_weekends = models.BooleanField(default=False, help_text="Only hours of working days (UTC) count.")
    most_failed_percent = models.PositiveSmallIntegerField(
        default=5, validators=PERCENT, help_text="More failures pause the rollout at once."
    )
    least_healthy_percent = models.PositiveSmallIntegerField(
        default=99, validators=PERCENT, help_text="Of those that are done, so many must answer."
    )
    most_burn = models.FloatField(
        default=2.0, help_text="Error budget burnt since their turn, as a multiple of what the objective allows."
    )
    needs_approval = models.BooleanField(default=False, help_text="It begins only when a person says so.")
    needs_rehearsal = models.BooleanField(
        default=False, help_text="It begins only when last night's backups have been upgraded beside their instances."
    )

    class Meta:
        abstract = True


@keeps_versions()
class RolloutPolicy(models.Model):
    """How changes of some kinds are brought to the fleet. Its stages are data: admins edit them."""

    name = models.SlugField(max_length=40, primary_key=True)
    title = models.CharField(max_length=120)
    suits = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="For which kinds of release it is the default: major, minor, patch; or architecture.",
    )
    longest_postponement_days = models.PositiveSmallIntegerField(
        default=14, help_text="How far customers may put it off."
    )
    most_at_once = models.PositiveSmallIntegerField(default=100, help_text="How many instances are changed at once.")
    rehearsals = models.PositiveSmallIntegerField(default=3, help_text="How many instances are rehearsed with.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "rollout policies"

    def __str__(self) -> str:
        return self.title


@keeps_versions()
class PolicyStage(StageTerms):
    policy = models.ForeignKey(RolloutPolicy, on_delete=models.CASCADE, related_name="stages")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["policy", "position"], name="one_policy_stage_a_position")]

    def __str__(self) -> str:
        return self.name


class Rollout(models.Model):
    """One change brought to many instances in stages. The terms are copied from the policy when it is made.

    Exactly one of `release` and `architecture` is set. `salt` decides who is in which stage; what supersedes a rollout
    takes its salt over, so that everybody keeps their place.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        PAUSED = "paused"
        SUCCEEDED = "succeeded"
        ABORTED = "aborted"
        SUPERSEDED = "superseded"
        ROLLING_BACK = "rolling-back", "rolling back"
        ROLLED_BACK = "rolled-back", "rolled back"

    id = models.CharField(primary_key=True, max_length=24, default=ids.rollout_id, editable=False)
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.PROTECT, related_name="rollouts")
    architecture = models.CharField(max_length=8, blank=True)
    policy = models.ForeignKey(RolloutPolicy, on_delete=models.PROTECT, related_name="rollouts")
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    stage_position = models.PositiveSmallIntegerField(default=1, help_text="The stage that is its turn.")
    is_emergency = models.BooleanField(default=False, help_text="It asks for no maintenance window.")
    salt = models.CharField(max_length=40)
    most_at_once = models.PositiveSmallIntegerField()
    longest_postponement_days = models.PositiveSmallIntegerField()
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    reason = models.TextField(blank=True)
    paused_because = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True, help_text="Its gates look at what came after.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(release__isnull=False, architecture="") | (Q(release__isnull=True) & ~Q(architecture="")),
                name="a_rollout_brings_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "draft",
                        "running",
                        "paused",
                        "succeeded",
                        "aborted",
                        "superseded",
                        "rolling-back",
                        "rolled-back",
                    ]
                ),
                name="rollout_status_is_known",
            ),
            models.UniqueConstraint(
                models.Case(models.When(release__isnull=True, then=Value("architecture")), default=Value("release")),
                condition=Q(status__in=["running", "paused", "rolling-back"]),
                name="one_rollout_of_a_sort_at_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release}" if self.release_id else f"architecture {self.architecture}"


class RolloutStage(StageTerms):
    class Status(models.TextChoices):
        """HELD: it may not begin before its approval or rehearsal. SOAKING: all of it is done, and is watched."""

        PLANNED = "planned"
        HELD = "held"
        RUNNING = "running"
        SOAKING = "soaking"
        PASSED = "passed"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="stages")
    status = models.CharField(max_length=8, choices=Status, default=Status.PLANNED)
    started_at = models.DateTimeField(null=True, blank=True)
    soaking_since = models.DateTimeField(null=True, blank=True)
    passed_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.TextField(blank=True, help_text="Completes “waiting for …”.")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "position"], name="one_rollout_stage_a_position"),
            models.CheckConstraint(
                condition=Q(status__in=["planned", "held", "running", "soaking", "passed"]),
                name="rollout_stage_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RolloutMember(models.Model):
    """One instance's place in a rollout."""

    class Status(models.TextChoices):
        """PLANNED: its stage or its turn is still to come; `waiting_for` says what for. UNDONE: changed, then back."""

        PLANNED = "planned"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"
        GOING_BACK = "going-back", "going back"
        UNDONE = "undone"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="members")
    stage = models.ForeignKey(RolloutStage, on_delete=models.CASCADE, related_name="members")
    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="rollout_memberships")
    status = models.CharField(max_length=10, choices=Status, default=Status.PLANNED)
    previous = models.CharField(max_length=40, help_text="The version or architecture that it had before.")
    operation = models.ForeignKey(
        "Operation", null=True, blank=True, on_delete=models.SET_NULL, related_name="rollout_members"
    )
    not_before = models.DateTimeField(null=True, blank=True, help_text="The customer has put it off until then.")
    waiting_for = models.TextField(blank=True, help_text="Completes “waiting for …”.")
    skipped_because = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["stage__position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "instance"], name="one_place_in_a_rollout"),
            models.CheckConstraint(
                condition=Q(status__in=["planned", "running", "done", "failed", "skipped", "going-back", "undone"]),
                name="rollout_member_status_is_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["rollout", "stage"], condition=Q(status="planned"), name="members_whose_turn_is_to_come"
            ),
            models.Index(fields=["operation"], condition=Q(operation__isnull=False), name="members_by_operation"),
        ]

    def __str__(self) -> str:
        return f"{self.instance} in {self.rollout}"


class Hold(models.Model):
    """An admin keeps an instance from being upgraded, for a reason and until a day. It ends when somebody ends it.

    With a release it is a pin: up to that version it may still go. Past its day it is reported, not lifted: whatever
    made somebody hold the instance may still be true.
    """

    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="holds")
    release = models.ForeignKey(
        Release, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: as it is now."
    )
    reason = models.TextField()
    until = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True, help_text="When people were told that it is overdue.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["instance"], condition=Q(ended_at__isnull=True), name="one_hold_each"),
            models.CheckConstraint(condition=Q(until__gt=models.F("created_at")), name="a_hold_ends_in_the_future"),
        ]

    def __str__(self) -> str:
        return f"hold of {self.instance}"


class Rehearsal(models.Model):
    """Last night's backup of an instance, brought up in a project of its own, upgraded there, checked and torn down.

    `stand_in` is the instance that is made of the backup, of kind internal and of our own organization.
    """

    class Status(models.TextChoices):
        RUNNING = "running"
        PASSED = "passed"
        FAILED = "failed"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="rehearsals")
    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="rehearsals")
    stand_in = models.OneToOneField("Instance", null=True, on_delete=models.PROTECT, related_name="stands_in_for")
    backup = models.CharField(max_length=200, blank=True, help_text="The Cloud SQL backup run that was restored.")
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    is_torn_down = models.BooleanField(default=False)
    result = models.TextField(blank=True, help_text="What came of it, in a sentence.")
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "instance"], name="one_rehearsal_each"),
            models.CheckConstraint(
                condition=Q(status__in=["running", "passed", "failed"]), name="rehearsal_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"rehearsal with {self.instance}"
