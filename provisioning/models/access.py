"""Who of us may look into a customer's instance: asked for, agreed to, and over by itself (decision 21)."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.core import clock

FEWEST_MINUTES, MOST_MINUTES = 5, 240


class Access(models.Model):
    """Somebody of ours asks to look into an instance for some minutes; the customer agrees, or in need a second of us.

    `state` is what was written down last; what time alone has made of it since, `provisioning.fleet.access` says.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        GRANTED = "granted"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        LAPSED = "lapsed", "not answered"
        ENDED = "ended"

    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="accesses")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    ticket = models.CharField(max_length=80, help_text="What it is about, where both sides can read it.")
    minutes = models.PositiveSmallIntegerField(help_text="So long it lasts, from the moment when it is agreed to.")
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=9, choices=State, default=State.ASKED)
    is_break_glass = models.BooleanField("break glass", default=False, help_text="A second one of us has agreed.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_reason = models.TextField(blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-asked_at"]
        verbose_name_plural = "accesses"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["asked", "granted", "refused", "withdrawn", "lapsed", "ended"]),
                name="access_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=FEWEST_MINUTES, minutes__lte=MOST_MINUTES), name="an_access_is_short"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["granted", "ended"])
                | Q(ends_at__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
                name="a_granted_access_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__lte=F("decided_at") + timedelta(minutes=MOST_MINUTES)),
                name="an_access_ends_soon",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="nobody_agrees_with_themselves"
            ),
            models.UniqueConstraint(
                fields=["instance", "asked_by"],
                condition=Q(state__in=["asked", "granted"]),
                name="one_open_access_each",
            ),
        ]

    def __str__(self) -> str:
        return f"access to {self.instance}"
