"""What our own people sell: each deal as one row, with who proposed it, who else agreed, and what came of it."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from portal.core import clock

MOST_PERCENT = 90


class Sale(models.Model):
    """A subscription by invoice, or a feature added to one, for an instance; perhaps at a discount.

    `wish` is what it is for: the fields of billing.terms.offers.Wish for a subscription, `feature` and `units` for an
    add-on.
    """

    class Kind(models.TextChoices):
        SUBSCRIPTION = "subscription", "subscription by invoice"
        ADD_ON = "add-on"

    class State(models.TextChoices):
        """Approved is what Stripe still has to be told: it is tried again until it is done."""

        PROPOSED = "proposed"
        APPROVED = "approved"
        DONE = "done"
        REFUSED = "refused"

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.PROTECT, related_name="sales")
    kind = models.CharField(max_length=12, choices=Kind)
    wish = models.JSONField()
    percent_off = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(MOST_PERCENT)])
    months_off = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="For how long the discount counts. Empty: for good."
    )
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=clock.now)
    reason = models.CharField(max_length=500)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_because = models.CharField(max_length=500, blank=True, default="")
    error = models.TextField(blank=True, default="", help_text="Why Stripe could not be told.")

    class Meta:
        ordering = ["-proposed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "approved", "done", "refused"]), name="sale_state_is_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=["subscription", "add-on"]), name="sale_kind_is_known"),
            models.CheckConstraint(condition=Q(percent_off__lte=MOST_PERCENT), name="nothing_is_sold_for_nothing"),
            models.CheckConstraint(condition=~Q(reason=""), name="a_sale_has_a_reason"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="a_second_person_decides"
            ),
            models.UniqueConstraint(
                fields=["instance"], condition=Q(state__in=["proposed", "approved"]), name="one_open_sale_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.instance}"
