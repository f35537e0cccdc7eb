from django.db import models

from portal.core import clock


class Due(models.Model):
    """Something that a worker looks at when it has been asked for, and again when its time comes.

    `asked_at` is when something last said that it may have changed; `due_at` when it is to be looked at (None: nothing
    is to be done). Whoever looks moves `due_at` on and raises `turn`; only the newest turn may write.
    """

    asked_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, blank=True, default=clock.now)
    turn = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="", help_text="Why the last try failed.")

    class Meta:
        abstract = True
