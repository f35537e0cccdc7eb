"""What a deal comes to: pure sums, in minor units, each rounded once, a half up as Stripe does."""

from dataclasses import dataclass

from billing.costs.sums import round_half_up
from billing.models import Interval
from billing.terms.money import money

MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


def taken_off(amount: int, percent: int) -> int:
    """So many percent of an amount."""
    return round_half_up(amount * percent, 100)


@dataclass(frozen=True)
class Deal:
    """`amount` by list, each `interval`; `months_off` is None for a discount for good."""

    amount: int
    currency: str
    interval: Interval
    percent_off: int = 0
    months_off: int | None = None

    @property
    def off(self) -> int:
        return taken_off(self.amount, self.percent_off)

    @property
    def price(self) -> int:
        return self.amount - self.off

    @property
    def first_year(self) -> int:
        """What the first twelve months bring, the discount taken off the bills that begin while it counts."""
        months = MONTHS[self.interval]
        bills = 12 // months
        cut = bills if self.months_off is None else min(bills, -(-self.months_off // months))
        return self.price * cut + self.amount * (bills - cut)

    @property
    def shown(self) -> str:
        return money(self.price, self.currency)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The deal in numbers."""
        often = f"each {self.interval}"
        if not self.percent_off:
            return (f"{money(self.amount, self.currency)} {often}, before taxes.", self._year)
        long = "for good" if self.months_off is None else f"for {self.months_off} months"
        return (
            f"{self.shown} {often} in place of {money(self.amount, self.currency)}: {self.percent_off} % off {long}.",
            self._year,
        )

    @property
    def _year(self) -> str:
        return f"{money(self.first_year, self.currency)} in the first year."
