"""Seats that are paid for, beside the people who use an instance. Instances come scoped from other selectors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from billing.models import SeatOveruse, SubscriptionItem
from billing.terms.seats import SEATS_ARE_PAID, is_in_order, is_lastingly_over
from provisioning.fleet.figures import SEATS
from provisioning.models import Instance, Usage
from provisioning.selectors.usage import recent_usages


@dataclass(frozen=True)
class SeatUse:
    """`paid` is None without a subscription; `counts` are those of the last 30 days, the oldest first; `overuse` is the
    episode that its people know of, while it lasts.
    """

    paid: int | None
    counts: tuple[Usage, ...]
    overuse: SeatOveruse | None

    @property
    def newest(self) -> Usage | None:
        return self.counts[-1] if self.counts else None

    @property
    def counted_at(self) -> datetime | None:
        return self.newest.counted_at if self.newest else None

    @property
    def used(self) -> int | None:
        """Accounts by the newest count."""
        return self.figure(SEATS)

    @property
    def over(self) -> int:
        """How many more there are than are paid for."""
        return max(0, (self.used or 0) - self.paid) if self.paid is not None else 0

    @property
    def history(self) -> list[tuple[date, int]]:
        """Accounts by day, the oldest first."""
        return [(row.day, count) for row in self.counts if (count := row.figure(SEATS)) is not None]

    @property
    def is_lastingly_over(self) -> bool:
        return is_lastingly_over(self.paid, [count for _, count in self.history])

    @property
    def is_in_order(self) -> bool:
        return is_in_order(self.paid, [count for _, count in self.history])

    def figure(self, name: str) -> int | None:
        """One figure of the newest count."""
        return self.newest.figure(name) if self.newest else None


def seat_use(instance: Instance) -> SeatUse:
    """Of one instance. At most four queries."""
    return seat_uses([instance])[instance.pk]


def seat_uses(instances: Iterable[Instance]) -> dict[str, SeatUse]:
    """Of each of these, by id. At most four queries, however many they are."""
    listed = list(instances)
    ids = [instance.pk for instance in listed]
    paid = _seats_paid(ids)
    overuses = {row.instance_id: row for row in SeatOveruse.objects.filter(instance__in=ids, ended_at__isnull=True)}
    return {
        key: SeatUse(paid.get(key), tuple(counts), overuses.get(key)) for key, counts in recent_usages(listed).items()
    }


def _seats_paid(ids: list[str]) -> dict[str, int]:
    """By the plan's item; of several subscriptions of one instance the newest counts."""
    items = SubscriptionItem.objects.filter(
        subscription__instance__in=ids, subscription__status__in=SEATS_ARE_PAID, price__plan__isnull=False
    )
    return dict(
        items.order_by("subscription__created_at", "stripe_id").values_list("subscription__instance_id", "quantity")
    )
