import pgtrigger
from django.db import models

from billing.costs.items import ITEMS
from portal.core import clock
from provisioning.models import Region


class UnitPrice(models.Model):
    """What a unit of an item costs in a region from a moment on. A new price is a new row: the past stays."""

    class Source(models.TextChoices):
        BUNDLED = "bundled", "shipped with the portal"
        CATALOG = "catalog", "Cloud Billing Catalog"

    item = models.CharField(max_length=20, choices=[(item.key, item.title) for item in ITEMS.values()])
    region = models.CharField(max_length=30, choices=Region)
    nanos = models.BigIntegerField(help_text="Billionths of a US dollar for one unit.")
    effective_at = models.DateTimeField()
    source = models.CharField(max_length=8, choices=Source)
    sku = models.CharField(max_length=20, blank=True, help_text="Its id in Google's catalogue.")
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["region", "item", "-effective_at"]
        constraints = [
            models.UniqueConstraint(fields=["item", "region", "effective_at"], name="one_price_at_a_time"),
            models.CheckConstraint(condition=models.Q(nanos__gte=0), name="a_price_is_not_negative"),
            models.CheckConstraint(condition=models.Q(source__in=["bundled", "catalog"]), name="price_source_is_known"),
        ]
        triggers = [pgtrigger.Protect(name="prices_stay", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.item} in {self.region} from {self.effective_at:%Y-%m-%d}"
