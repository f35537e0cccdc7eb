from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.core import clock
from portal.core.history import keeps_versions


class Scope(models.TextChoices):
    """What a token may do. Writing does not include reading: name both."""

    ORGANIZATIONS_READ = "organizations:read"
    INSTANCES_READ = "instances:read"
    INSTANCES_WRITE = "instances:write"


class StaffScope(models.TextChoices):
    """What only a token that one of our staff has made may do: checked when it is made, and at each use."""

    RELEASES_WRITE = "releases:write"


@keeps_versions(fields=["organization", "created_by", "name", "scopes", "expires_at", "revoked_at"])
class ApiToken(models.Model):
    """Lets a program act for one organization. Shown once when it is made; only its SHA-256 is kept."""

    organization = models.ForeignKey("core.Organization", on_delete=models.CASCADE, related_name="api_tokens")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    hint = models.CharField(max_length=12, help_text="Its first characters, to tell tokens apart.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope))
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def bears(self, scope: str) -> bool:
        """Whether it may be used for that; a scope of our staff counts only while who made it is of it."""
        return scope in self.scopes and (scope not in StaffScope.values or self.created_by.is_staff)
