"""When more people use an instance than is paid for: a pure function of what is paid and of the newest counts."""

from collections.abc import Sequence
from typing import Final

from billing.models import SubscriptionStatus

# Seats are paid for, or are about to be: what is unpaid or paused is suspended, and counts nothing.
SEATS_ARE_PAID: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE)
DAYS_THAT_TELL: Final = 2  # one count may be somebody's slip


def is_lastingly_over(paid: int | None, used: Sequence[int]) -> bool:
    """Whether the newest counts, of different days and the newest last, are all above what is paid for."""
    newest = used[-DAYS_THAT_TELL:]
    return paid is not None and len(newest) == DAYS_THAT_TELL and all(count > paid for count in newest)


def is_in_order(paid: int | None, used: Sequence[int]) -> bool:
    """Whether the newest counts are all within it: who is at the edge is not told again every other day."""
    return paid is None or all(count <= paid for count in used[-DAYS_THAT_TELL:])
