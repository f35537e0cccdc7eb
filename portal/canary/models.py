"""Runs of the canary and their stages."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from portal.core import clock
from portal.core.models.due import Due
from provisioning.models import Region

Cookie = dict[str, str]


class State(models.TextChoices):
    """Of a run or a stage."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class CanaryRun(Due):
    """One way of a customer of our own, from signing up to an account that is closed, and what is left of it.

    `known` is what later stages need of earlier ones: paths of pages, and the address of the instance. That and what
    opens its account (`cookies`, `letter`) is forgotten when it ends.
    """

    email = models.EmailField(unique=True)
    slug = models.SlugField("name", max_length=32, help_text="Of its organization and its instance.")
    region = models.CharField(max_length=30, choices=Region)
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: it was its time.",
    )
    began_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    sentence = models.TextField(blank=True, help_text="What was wrong.")
    cleaned_at = models.DateTimeField(null=True, help_text="Since when nothing is left of it.")
    left = models.TextField(blank=True, help_text="What is still there of it, after its end.")
    known: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(default=dict)
    cookies: "models.JSONField[list[Cookie], list[Cookie]]" = models.JSONField(default=list)
    letter = models.TextField(blank=True, help_text="The newest mail to it.")

    class Meta:
        ordering = ["-began_at"]
        verbose_name = "run of the canary"
        verbose_name_plural = "runs of the canary"
        constraints = [
            models.UniqueConstraint(Value(1), condition=Q(cleaned_at=None), name="one_canary_at_a_time"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="canary_state_is_known"),
            models.CheckConstraint(
                condition=Q(state="running", ended_at=None) | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="a_canary_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(cleaned_at=None) | Q(ended_at__isnull=False), name="a_canary_is_cleaned_up_after_its_end"
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(sentence=""), name="a_failed_canary_says_why"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="canaries_due")]

    def __str__(self) -> str:
        return self.slug

    @property
    def took(self) -> timedelta | None:
        """From its begin to its end."""
        return self.ended_at - self.began_at if self.ended_at else None


class CanaryStage(models.Model):
    """One stage of a run. While it goes on, its sentence says what it waits for; when it has failed, what was wrong."""

    run = models.ForeignKey(CanaryRun, on_delete=models.CASCADE, related_name="stages")
    name = models.SlugField(max_length=20)
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    began_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    sentence = models.TextField("says", blank=True)

    class Meta:
        ordering = ["began_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="one_stage_of_a_name"),
            models.UniqueConstraint(fields=["run"], condition=Q(state="running"), name="one_stage_at_a_time"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="canary_stage_state_is_known"),
            models.CheckConstraint(
                condition=Q(state="running", ended_at=None) | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="a_canary_stage_ends_once",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(sentence=""), name="a_failed_stage_says_why"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return (self.ended_at - self.began_at).total_seconds() if self.ended_at else None
