"""What is sold: plans by the seat, features as paid add-ons, and what each costs."""

from typing import Any

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from portal.core import clock
from portal.core.history import keeps_versions


class Status(models.TextChoices):
    """What is retired is sold to nobody any more; who has it keeps it."""

    DRAFT = "draft"
    OFFERED = "offered"
    RETIRED = "retired"


class Interval(models.TextChoices):
    """How often it is paid for. Stripe's own words."""

    MONTH = "month", "monthly"
    YEAR = "year", "yearly"


class Currency(models.TextChoices):
    USD = "usd", "US dollar"
    EUR = "eur", "Euro"
    GBP = "gbp", "Pound sterling"
    JPY = "jpy", "Yen"


class Charge(models.TextChoices):
    """What a feature's price is multiplied by."""

    FLAT = "flat", "once for the instance"
    SEAT = "seat", "for each seat"
    UNIT = "unit", "for each of a number that the customer chooses"


@keeps_versions()
class Plan(models.Model):
    """What a subscription is for. Its price is per seat."""

    name = models.SlugField(max_length=20, primary_key=True)
    title = models.CharField(max_length=60)
    description = models.CharField(max_length=300, help_text="One sentence for whom it is.")
    position = models.PositiveSmallIntegerField(unique=True)
    minimum_seats = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    sizes = models.ManyToManyField("provisioning.Size", related_name="plans", help_text="The sizes that it includes.")
    features: "models.ManyToManyField[Feature, Any]" = models.ManyToManyField(
        "Feature", blank=True, related_name="included_in", help_text="Features that it includes at no further charge."
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    uptime_promise = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(10_000)],
        help_text="In hundredths of a percent of a calendar month, such as 9990 for 99.90 %; 0 promises nothing.",
    )
    credit_percent = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(100)],
        help_text="So much of a month's price is credited when that is not kept.",
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="plan_status_is_known"),
            models.CheckConstraint(condition=Q(minimum_seats__gte=1), name="a_plan_has_a_seat"),
        ]

    def __str__(self) -> str:
        return self.title


@keeps_versions()
class Feature(models.Model):
    """What customers may opt in to. `values` and `parts` are all that provisioning is told of it."""

    name = models.SlugField(max_length=40, primary_key=True)
    title = models.CharField(max_length=60)
    summary = models.CharField(max_length=300, help_text="What people get from it.")
    effect = models.CharField(
        max_length=300, blank=True, help_text="What happens on the instance when it is switched on."
    )
    position = models.PositiveSmallIntegerField(unique=True)
    charge = models.CharField(max_length=4, choices=Charge)
    unit_title = models.CharField(max_length=30, blank=True, help_text="What is counted, such as executor.")
    most_units = models.PositiveIntegerField(null=True, blank=True)
    minimum_version = models.CharField(max_length=40, blank=True, help_text="The oldest version that has it.")
    smallest_size = models.ForeignKey(
        "provisioning.Size",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The smallest size that can carry it.",
    )
    plans = models.ManyToManyField(
        Plan, blank=True, related_name="offers", help_text="The plans that it can be added to. None: all of them."
    )
    can_be_tried = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Trials may switch it on at no charge. Not for what runs other people's code.",
    )
    restarts = models.BooleanField(default=False, help_text="Switching it on or off restarts the application.")
    values = models.JSONField(
        default=dict,
        blank=True,
        help_text="Helm values that are added. Who has the feature gets another of them with the next change only.",
    )
    parts = models.JSONField(default=list, blank=True, help_text="Google resources that are added, by name.")
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="feature_status_is_known"),
            models.CheckConstraint(condition=Q(charge__in=Charge.values), name="feature_charge_is_known"),
            models.CheckConstraint(condition=Q(charge="unit") ^ Q(unit_title=""), name="what_is_counted_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.title


@keeps_versions()
class Price(models.Model):
    """What a plan or a feature costs, in minor units of a currency for one seat, unit or instance and interval.

    It never changes: another price is another row, and the former one is retired. Subscriptions keep theirs.
    """

    lookup_key = models.SlugField(max_length=80, primary_key=True)
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="prices")
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.PROTECT, related_name="prices")
    interval = models.CharField(max_length=5, choices=Interval)
    currency = models.CharField(max_length=3, choices=Currency)
    unit_amount = models.PositiveIntegerField(help_text="In minor units: cents, or yen.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    stripe_id = models.CharField(max_length=60, blank=True, db_index=True, help_text="Known once it is synced.")

    class Meta:
        ordering = ["plan__position", "feature__position", "currency", "interval", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__isnull=True) ^ Q(feature__isnull=True), name="a_price_is_of_one_thing"
            ),
            models.CheckConstraint(condition=Q(interval__in=Interval.values), name="price_interval_is_known"),
            models.UniqueConstraint(
                fields=["plan", "interval", "currency"],
                condition=Q(retired_at__isnull=True),
                name="one_price_of_a_plan_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["feature", "interval", "currency"],
                condition=Q(retired_at__isnull=True),
                name="one_price_of_a_feature_at_a_time",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="a_price_never_changes",
                fields=["lookup_key", "plan", "feature", "interval", "currency", "unit_amount"],
            )
        ]

    def __str__(self) -> str:
        return self.lookup_key
