"""Who may look at what is due, and whose word counts: rows of portal.core.models.due.Due are claimed one by one.

What fails is tried again after a while, and stops no other row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from django.db import transaction
from django.db.models import F, QuerySet

from portal.core import clock
from portal.core.models.due import Due

LEASE: Final = timedelta(seconds=60)
Row = TypeVar("Row", bound=Due)


@dataclass(frozen=True)
class Turn(Generic[Row]):
    """A worker's right to write what it finds out about the row, as long as nobody has taken a later one."""

    row: Row
    began_at: datetime

    def ours(self) -> QuerySet[Row]:
        """The row, while this is the newest turn."""
        rows: QuerySet[Row] = type(self.row)._default_manager.filter(pk=self.row.pk, turn=self.row.turn)  # noqa: SLF001 - Django's documented way to a model's manager
        return rows

    def asked_meanwhile(self, row: Row) -> datetime | None:
        """When it was asked for again after this turn had begun; it is due anew then."""
        return row.asked_at if row.asked_at > self.began_at else None

    def postpone(self, wait: timedelta, error: Exception) -> None:
        """It is tried again after so long, and says why."""
        self.ours().update(
            due_at=clock.now() + wait, failures=F("failures") + 1, error=str(error) or type(error).__name__
        )


@transaction.atomic
def claim(rows: QuerySet[Row]) -> Turn[Row] | None:
    """The longest due of these rows is ours for a while, or None when nothing is due.

    Rows that others hold at this moment come last, and are waited for: whoever holds one, such as an event that is just
    being taken in, need not know that it is due and calls no worker.
    """
    now = clock.now()
    due = rows.filter(due_at__lte=now).order_by("due_at")
    row = due.select_for_update(of=("self",), skip_locked=True).first() or due.select_for_update(of=("self",)).first()
    if row is None:
        return None
    row.due_at, row.turn = now + LEASE, row.turn + 1
    row.save(update_fields=["due_at", "turn"])
    return Turn(row, now)
