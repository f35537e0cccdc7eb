from django.conf import settings
from django.db import models

from portal.core import clock, ids
from portal.core.history import keeps_versions


class Role(models.TextChoices):
    """What a member may do: an owner everything, an admin all but money and owners, billing only money."""

    OWNER = "owner"
    ADMIN = "admin"
    BILLING = "billing"
    MEMBER = "member"


class Organization(models.Model):
    """A customer account."""

    id = models.CharField(primary_key=True, max_length=24, default=ids.organization_id, editable=False)
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=40, unique=True)
    email_domain = models.CharField(max_length=253, help_text="The mail domain of whoever founded it.")
    is_synthetic = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="No customer: the portal tries itself out."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="organizations")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@keeps_versions(exclude=["calendar_version"])
class Membership(models.Model):
    """That a person belongs to an organization, and in which role."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    calendar_version = models.PositiveIntegerField(
        default=1, db_default=1, help_text="One more makes a new address of the calendar, and the former one useless."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_each"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} ({self.role})"
