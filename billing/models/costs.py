"""What Google has charged for instances, and what of that has jumped."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core import clock
from provisioning.models import Instance


class CostLine(models.Model):
    """What a SKU has cost an instance on a day (UTC), credits taken off. Late corrections replace the day's lines."""

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.PROTECT, related_name="cost_lines")
    day = models.DateField()
    service = models.CharField(max_length=120)
    sku = models.CharField(max_length=40, help_text="Its id in Google's catalogue.")
    description = models.CharField(max_length=300)
    nanos = models.BigIntegerField(help_text="Billionths of the currency; below zero where more was given back.")
    currency = models.CharField(max_length=3)
    taken_at = models.DateTimeField(default=clock.now, editable=False, help_text="When it was read from the export.")

    class Meta:
        ordering = ["-day", "service", "sku"]
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "day", "service", "sku", "currency"], name="one_cost_line_of_a_sku_and_day"
            )
        ]
        indexes = [models.Index(fields=["day"], name="cost_lines_of_a_day")]

    def __str__(self) -> str:
        return f"{self.description} of {self.instance_id}, {self.day}"


class CostJump(models.Model):
    """Since a day something costs an instance much more than was usual: billing.costs.series says how much.

    `settled_by` is None for one that has gone back by itself. What a person has settled is usual from there on.
    """

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.PROTECT, related_name="cost_jumps")
    service = models.CharField(max_length=120)
    sku = models.CharField(max_length=40, help_text="Google's, or the item of the price book where costs are reckoned.")
    description = models.CharField(max_length=300)
    since = models.DateField()
    before_nanos = models.BigIntegerField(help_text="Billionths of a US dollar a day, as was usual.")
    after_nanos = models.BigIntegerField(help_text="Billionths of a US dollar a day, when it was last looked at.")
    explained_by = models.ForeignKey(
        "provisioning.Operation", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    found_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-found_at", "-after_nanos"]
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "service", "sku"],
                condition=Q(settled_at__isnull=True),
                name="one_open_jump_of_a_sku",
            ),
            models.CheckConstraint(condition=Q(settled_at__isnull=True) | ~Q(note=""), name="a_settled_jump_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.description} since {self.since}"


class InstanceCosts(Instance):
    """An instance, for the pages that show what it costs and brings."""

    class Meta:
        proxy = True
        ordering = ["organization__name", "slug"]
        verbose_name = verbose_name_plural = "costs"
