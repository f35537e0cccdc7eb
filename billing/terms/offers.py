"""What a customer can have, what stands in the way of it, and what it comes to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from billing.models import Charge, Currency, Feature, Interval, Plan
from billing.terms.money import money
from provisioning.fleet.features import MADE_AT_GOOGLE, why_not_made, why_not_there
from provisioning.fleet.versions import is_newer

UNIT_WORDS = {Charge.FLAT: "instance", Charge.SEAT: "seat"}


@dataclass(frozen=True)
class Wish:
    """What somebody would like to subscribe to. `features` are those added to the plan; `units` how many of what is
    counted, by feature.
    """

    plan: str
    interval: Interval
    seats: int
    features: Collection[str] = ()
    units: Mapping[str, int] = field(default_factory=dict)
    currency: Currency = Currency.USD


@dataclass(frozen=True)
class Line:
    """So many of something, `unit_amount` (minor units) each. `price` is our lookup key, `stripe_price` their id."""

    title: str
    quantity: int
    unit: str
    unit_amount: int
    currency: str
    price: str
    stripe_price: str

    @property
    def amount(self) -> int:
        return self.quantity * self.unit_amount

    @property
    def shown(self) -> str:
        return money(self.amount, self.currency)

    @property
    def reckoned(self) -> str:
        """Such as 25 seats at 19.00 USD."""
        counted = f"{self.quantity:,} {self.unit}{'s' * (self.quantity != 1)}"
        return f"{counted} at {money(self.unit_amount, self.currency)}"


@dataclass(frozen=True)
class Quote:
    """What a wish comes to, each month or year, before taxes and discounts."""

    interval: Interval
    currency: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def shown(self) -> str:
        return money(self.total, self.currency)


def unit_of(sold: Plan | Feature) -> str:
    """What one of it is called."""
    if isinstance(sold, Plan):
        return "seat"
    return sold.unit_title or UNIT_WORDS[Charge(sold.charge)]


def quantity_of(sold: Plan | Feature, wish: Wish) -> int:
    """How many of it a wish is for."""
    if isinstance(sold, Plan) or sold.charge == Charge.SEAT:
        return wish.seats
    return wish.units.get(sold.pk, 1) if sold.charge == Charge.UNIT else 1


def obstacle(
    feature: Feature,
    *,
    plan: str,
    plans: Collection[str],
    version: str,
    architecture: str,
    fits_size: bool,
    is_on_google: bool,
) -> str:
    """Why such an instance cannot have the feature, as a sentence; "" if it can.

    `plans` are those that it can be added to; none means all of them.
    """
    if why := why_not_made(feature.parts):
        return f"{feature.title}: {why}"
    if feature.minimum_version and is_newer(feature.minimum_version, version):
        return f"{feature.title} needs version {feature.minimum_version}; the instance has {version}."
    if not fits_size and feature.smallest_size_id:
        return f"{feature.title} needs at least size {feature.smallest_size_id.upper()}."
    if why := _why_not_in_place(feature, architecture, is_on_google=is_on_google):
        return why
    if plans and plan not in plans:
        return f"{feature.title} comes with other plans: {', '.join(sorted(plans))}."
    return ""


def _why_not_in_place(feature: Feature, architecture: str, *, is_on_google: bool) -> str:
    """What of where the instance runs stands in the way."""
    if is_on_google:
        return why_not_there(feature.parts, architecture)
    if MADE_AT_GOOGLE.intersection(feature.parts):
        return f"{feature.title} is made in Google Cloud; the instance runs on a cluster of your own."
    return ""
