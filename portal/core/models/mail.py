from django.db import models

from portal.core import clock


class Mail(models.Model):
    """A mail to be sent: written in the transaction that causes it, sent by a worker, its content erased once sent.

    `key` makes it exactly one per cause ("instance-ready:src-…"). What must never lie in the database (a one-time link)
    is not in `context`; the mail's kind fetches it at the moment of sending.
    """

    key = models.CharField(max_length=160, unique=True)
    kind = models.CharField(max_length=60)
    recipient = models.EmailField()
    context = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    due_at = models.DateTimeField(null=True, default=clock.now, help_text="When to try (again). Empty: nothing to do.")
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "mail"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="mail_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"
