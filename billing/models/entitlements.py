"""What customers may use beside what they pay for, and what of all that they have opted in to."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Value

from portal.core import clock
from portal.core.history import keeps_versions


@keeps_versions()
class Grant(models.Model):
    """That our people have given an instance a feature at no charge, for a time or for good."""

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.PROTECT, related_name="grants")
    feature = models.ForeignKey("Feature", on_delete=models.PROTECT, related_name="grants")
    units = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    since = models.DateTimeField(default=clock.now)
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until somebody ends it.")
    reason = models.CharField(max_length=500)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="a_grant_has_a_time"
            ),
            models.CheckConstraint(condition=Q(units__gte=1), name="a_grant_is_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.feature} for {self.instance}"


class OptIn(models.Model):
    """That a customer wants a feature to be on. It is, as long as the instance is entitled to it, too."""

    instance = models.ForeignKey("provisioning.Instance", on_delete=models.CASCADE, related_name="opt_ins")
    feature = models.ForeignKey("Feature", on_delete=models.PROTECT, related_name="+")
    opted_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="None: it was bought.",
    )
    opted_in_at = models.DateTimeField(default=clock.now)
    units = models.PositiveIntegerField(default=1, help_text="How many it was last entitled to.")
    details = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What the customer has told of its parts, as provisioning.fleet.details writes it down.",
    )
    ends_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is switched off: its people have been told so."
    )

    class Meta:
        ordering = ["feature__position"]
        constraints = [models.UniqueConstraint(fields=["instance", "feature"], name="one_opt_in_to_a_feature")]

    def __str__(self) -> str:
        return f"{self.feature_id} on {self.instance_id}"
