"""What a longer trial comes to, and whether there is room for one more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from billing.costs.needs import HOURS_A_MONTH
from billing.costs.sums import round_half_up
from billing.models import TrialPolicy
from billing.terms.money import money

LONGEST_BY_SALES: Final = 30
LONGEST: Final = 365


@dataclass(frozen=True)
class Extension:
    """What it means to extend a trial by that many days, before it is done.

    `ends_at` is when it ends as it stands. The days count from `from_at`: from then, or from now where that is past.
    `cents` is what they cost us by the size's list price, in US cents; `earlier` how often it was extended before.
    `resumes`: it is suspended because it has ended, and comes back.
    """

    ends_at: datetime
    from_at: datetime
    days: int
    cents: int
    earlier: int
    resumes: bool

    @property
    def until(self) -> datetime:
        return self.from_at + timedelta(days=self.days)

    @property
    def needs_manager(self) -> bool:
        """Sales may extend a trial once, by up to thirty days."""
        return self.earlier > 0 or self.days > LONGEST_BY_SALES


@dataclass(frozen=True)
class Load:
    """The trials that there are: how many come up or run, and what all of them cost in US cents a month."""

    running: int
    cents: int


def cost_of(cents_a_month: int, days: int) -> int:
    """What so many days cost, in cents, of which a month has 730 hours."""
    return round_half_up(cents_a_month * days * 24, HOURS_A_MONTH)


def why_full(policy: TrialPolicy, load: Load, cents_each: int, *, ahead: int = 0) -> str:
    """Why no further trial can start once those ahead of it have, as a sentence for us; "" where there is room."""
    if not policy.is_open:
        return "Trials are closed."
    if load.running + ahead + 1 > policy.most_running:
        return f"{load.running:,} of at most {policy.most_running:,} trials run."
    if load.cents + (ahead + 1) * cents_each > policy.most_cents_a_month:
        most = money(policy.most_cents_a_month, "usd")
        return f"The trials that there are cost {money(load.cents, 'usd')} a month, of at most {most}."
    return ""
