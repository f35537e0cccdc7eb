"""Months in which an instance answered less than its plan promises, and what its customer gets for that."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.catalogue import Currency, Plan
from portal.core import clock
from portal.core.models.due import Due


class SlaCredit(Due):
    """One instance's broken month. A person approves it, or says why not; then a worker gives it at Stripe.

    `promised` and `reached` are hundredths of a percent; `amount` is in minor units of the subscription's currency. It
    is due from when it is approved until it is given.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        GIVEN = "given"
        DECLINED = "declined"

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.PROTECT, related_name="sla_credits")
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="sla_credits")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    month = models.DateField(help_text="Its first day.")
    promised = models.PositiveIntegerField()
    reached = models.PositiveIntegerField()
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, choices=Currency)
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    stripe_id = models.CharField(max_length=60, blank=True)
    found_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "credit for uptime"
        verbose_name_plural = "credits for uptime"
        ordering = ["-month", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "month"], name="one_credit_a_month"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "approved", "given", "declined"]), name="credit_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(reached__lt=models.F("promised")), name="a_credit_is_for_a_broken_month"
            ),
            models.CheckConstraint(condition=~Q(state="given") | ~Q(stripe_id=""), name="what_is_given_is_at_stripe"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="sla_credits_due")]

    def __str__(self) -> str:
        return f"{self.instance}, {self.month:%B %Y}"
