"""Trials as a matter of money: how many there may be, who waits for one, and who was given more than is usual."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from portal.core import clock
from portal.core.history import keeps_versions
from provisioning.models import Region


@keeps_versions()
class TrialPolicy(models.Model):
    """How many trials there may be at once. There is one row."""

    most_running = models.PositiveIntegerField(
        default=100, help_text="So many trials come up or run at once. Suspended ones do not count."
    )
    most_cents_a_month = models.PositiveBigIntegerField(
        default=5_000_000,
        help_text="What the infrastructure of all trials may cost by list price, in US cents a month. Suspended ones "
        "count in full: what one costs while it is suspended is not reckoned.",
    )
    is_open = models.BooleanField(
        default=True, help_text="Switched off, nobody starts one: who asks is put on the list."
    )

    class Meta:
        verbose_name_plural = "trial policy"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="there_is_one_trial_policy")]

    def __str__(self) -> str:
        return "The policy for trials"


class TrialRequest(models.Model):
    """That an organization waits, or has waited, for a trial. Its place is how many have asked before it.

    `note` is what its people are told: what stands in the way of its turn, or why it was refused.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        STARTED = "started"
        WITHDRAWN = "withdrawn"
        REFUSED = "refused"

    organization = models.ForeignKey("core.Organization", on_delete=models.PROTECT, related_name="trial_requests")
    slug = models.SlugField(max_length=32)
    region = models.CharField(max_length=30, choices=Region)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    note = models.CharField(max_length=400, blank=True, default="", help_text="What its people are told.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who took it off the list; empty where its turn has come.",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why, in our own words.")
    instance = models.OneToOneField(
        "provisioning.Instance", null=True, blank=True, on_delete=models.PROTECT, related_name="trial_request"
    )

    class Meta:
        ordering = ["requested_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "started", "withdrawn", "refused"]),
                name="trial_request_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | (~Q(state="waiting") & Q(decided_at__isnull=False)),
                name="who_waits_is_undecided",
            ),
            models.CheckConstraint(
                condition=Q(state="started", instance__isnull=False) | (~Q(state="started") & Q(instance__isnull=True)),
                name="a_started_trial_request_has_its_instance",
            ),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state="waiting"), name="one_place_on_the_waiting_list_each"
            ),
        ]
        indexes = [models.Index(fields=["requested_at"], condition=Q(state="waiting"), name="trials_waited_for")]

    def __str__(self) -> str:
        return f"{self.organization}: {self.slug}"


class TrialExtension(models.Model):
    """That a trial was extended. `from_at` is when it had been to end."""

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.PROTECT, related_name="trial_extensions")
    from_at = models.DateTimeField()
    until = models.DateTimeField()
    days = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=models.F("from_at")), name="an_extension_makes_it_longer"),
            models.CheckConstraint(condition=~Q(reason=""), name="an_extension_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.instance}: {self.days} days more"


class TrialAllowance(models.Model):
    """That an organization may have one more trial, whoever at its domain has had one."""

    organization = models.ForeignKey("core.Organization", on_delete=models.PROTECT, related_name="trial_allowances")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-at"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="an_allowance_has_a_reason")]

    def __str__(self) -> str:
        return f"One more trial for {self.organization}"
