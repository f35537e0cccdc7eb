"""How instances are used, as they tell it themselves."""

from django.db import models

from portal.core import clock


class Usage(models.Model):
    """What an instance counted last on one day, by UTC: `figures` are whole numbers by the names of fleet.figures.

    Kept for ever: a thousand instances make 365,000 rows a year, less than a probe's tallies of three months. The
    unique index is what pages read by: the newest rows of one instance.
    """

    instance = models.ForeignKey("Instance", on_delete=models.CASCADE, related_name="usage")
    day = models.DateField()
    figures = models.JSONField()
    counted_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-day"]
        verbose_name_plural = "usage"
        constraints = [models.UniqueConstraint(fields=["instance", "day"], name="one_count_a_day")]

    def __str__(self) -> str:
        return f"{self.instance_id} on {self.day:%Y-%m-%d}"

    def figure(self, name: str) -> int | None:
        """One of its figures; None where that was not counted then."""
        value: int | None = self.figures.get(name)
        return value
