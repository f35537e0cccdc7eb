import pgtrigger
from django.db import models

from portal.core import clock, ids


class Certificate(models.Model):
    """That nothing is left of an instance: each object, when it was deleted, how that was confirmed. Never changed.

    `lines` are dicts with title, resource, asked_at, confirmed_at, confirmed (how, in words) and deeds (a list of
    words); `digest` is the SHA-256 of what the certificate says, as hex digits.
    """

    id = models.CharField(primary_key=True, max_length=25, default=ids.certificate_id, editable=False)
    operation = models.OneToOneField("Operation", on_delete=models.PROTECT, related_name="certificate")
    instance = models.ForeignKey("Instance", on_delete=models.PROTECT, related_name="certificates")
    issued_at = models.DateTimeField(default=clock.now)
    lines = models.JSONField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["-issued_at"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.id
