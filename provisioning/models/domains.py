from typing import Final

from django.db import models
from django.db.models import Q

from portal.core import clock
from portal.core.models.due import Due

CUSTOM_DOMAIN_PART: Final = "custom-domain"  # what a feature adds that puts an instance under such a name


class CustomDomain(Due):
    """A name of a customer's own, whose it is, and what the public DNS says of it (decision 23).

    A name is one instance's alone. One that has led to an instance once stays its organization's, even when it is
    switched off or the instance is deleted: whoever forgets its record in the DNS must not lose the name to strangers.
    """

    class State(models.TextChoices):
        """What was seen the last time; UNSEEN before the first look."""

        UNSEEN = "unseen", "not looked up yet"
        HERE = "here", "leads to the instance"
        ABSENT = "absent", "has no record"
        ELSEWHERE = "elsewhere", "leads elsewhere"
        FAILING = "failing", "its name servers do not answer"
        FORBIDDEN = "forbidden", "lets Google issue no certificate"

    name = models.CharField(primary_key=True, max_length=63)
    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="custom_domains")
    told_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=9, choices=State, default=State.UNSEEN)
    found = models.CharField(
        max_length=300, blank=True, default="", help_text="Where it leads, if not to the instance."
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    proved_at = models.DateTimeField(null=True, blank=True, help_text="When it led to the instance for the first time.")
    misses = models.PositiveIntegerField(default=0, help_text="So many looks in a row it was on and did not lead here.")
    lost_at = models.DateTimeField(null=True, blank=True, help_text="Since when people know that it does not.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["unseen", "here", "absent", "elsewhere", "failing", "forbidden"]),
                name="custom_domain_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="here") | Q(proved_at__isnull=False), name="what_leads_here_has_led_here"
            ),
            models.CheckConstraint(
                condition=Q(lost_at__isnull=True) | ~Q(state="here"), name="what_leads_here_is_not_lost"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="custom_domain_due")]

    def __str__(self) -> str:
        return self.name
