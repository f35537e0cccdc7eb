"""What the API remembers of calls: the answers to those that must not happen twice."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from portal.core import clock


class AnsweredCall(models.Model):
    """The answer to a call that bore an Idempotency-Key, written in the same transaction as what the call did."""

    token = models.ForeignKey("core.ApiToken", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_to_a_key")]

    def __str__(self) -> str:
        return self.key
