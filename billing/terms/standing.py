"""What money says of an instance: one table of what each state of a subscription means, and one function of all facts.

docs/states.md has the same table for people; a test compares the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from billing.models import SubscriptionStatus
from provisioning.models import Kind, SuspensionNotice


class State(StrEnum):
    """Where an instance stands, in a word for pages."""

    INTERNAL = "internal"
    UNBILLED = "unbilled"
    TRIAL = "trial"
    TRIAL_ENDED = "trial ended"
    SUBSCRIBED = "subscribed"
    ENDING = "ending"
    GRACE = "in grace"
    UNPAID = "unpaid"
    PAUSED = "paused"
    ENDED = "ended"


class Effect(StrEnum):
    """What a subscription's state does to its instance."""

    NONE = "as if there were none"
    RUNS = "runs"
    GRACE = "runs for the days of grace, then is suspended"
    STOPS = "is suspended"
    ENDS = "is suspended, and deleted once its data has been kept long enough"


# In the order in which one of several subscriptions counts: whoever pays for one need not pay for another.
MEANING: Final[dict[SubscriptionStatus, Effect]] = {
    SubscriptionStatus.ACTIVE: Effect.RUNS,
    SubscriptionStatus.TRIALING: Effect.RUNS,
    SubscriptionStatus.PAST_DUE: Effect.GRACE,
    SubscriptionStatus.UNPAID: Effect.GRACE,
    SubscriptionStatus.PAUSED: Effect.STOPS,
    SubscriptionStatus.CANCELED: Effect.ENDS,
    SubscriptionStatus.INCOMPLETE: Effect.NONE,
    SubscriptionStatus.INCOMPLETE_EXPIRED: Effect.NONE,
}
_ORDER: Final = list(MEANING)
# Somebody has it: it is not still to begin, and not over.
PAID_FOR: Final = [status for status, effect in MEANING.items() if effect not in {Effect.NONE, Effect.ENDS}]


@dataclass(frozen=True)
class Periods:
    """`grace` is how long things go on after the oldest unpaid invoice is owed; how long data is kept after the end."""

    grace: timedelta
    trial_kept: timedelta
    subscription_kept: timedelta


@dataclass(frozen=True)
class Paid:
    """A subscription, as far as it matters here."""

    status: SubscriptionStatus
    unpaid_since: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """`notice` is what its people are told while it does not run. `until` is when it ends if nothing happens.

    `is_customer`: somebody has subscribed, so that it is a trial no longer. `delete_at`: when its data has been kept
    long enough; None while it runs.
    """

    state: State
    notice: SuspensionNotice | None = None
    until: datetime | None = None
    delete_at: datetime | None = None
    is_customer: bool = False

    @property
    def runs(self) -> bool:
        return self.notice is None


def standing(
    kind: str, trial_ends_at: datetime | None, subscriptions: Iterable[Paid], periods: Periods, now: datetime
) -> Standing:
    """Where an instance of that kind stands at `now`. Of what Stripe knows nothing, nothing is said: it runs."""
    if kind == Kind.INTERNAL:
        return Standing(State.INTERNAL)
    counting = [each for each in subscriptions if MEANING[each.status] is not Effect.NONE]
    if counting:
        return _subscribed(min(counting, key=_place), periods, now)
    if kind != Kind.TRIAL or trial_ends_at is None:
        return Standing(State.UNBILLED)
    if now < trial_ends_at:
        return Standing(State.TRIAL, until=trial_ends_at)
    return Standing(State.TRIAL_ENDED, SuspensionNotice.TRIAL_ENDED, delete_at=trial_ends_at + periods.trial_kept)


def _place(paid: Paid) -> tuple[int, float]:
    """Of two that have ended, the one that did so later counts."""
    return _ORDER.index(paid.status), -(paid.ended_at.timestamp() if paid.ended_at else 0)


def _subscribed(paid: Paid, periods: Periods, now: datetime) -> Standing:
    match MEANING[paid.status]:
        case Effect.RUNS:
            state = State.ENDING if paid.cancel_at else State.SUBSCRIBED
            return Standing(state, until=paid.cancel_at, is_customer=True)
        case Effect.GRACE:
            ends = (paid.unpaid_since or now) + periods.grace
            if now < ends:
                return Standing(State.GRACE, until=ends, is_customer=True)
            return Standing(State.UNPAID, SuspensionNotice.PAYMENT, is_customer=True)
        case Effect.STOPS:
            return Standing(State.PAUSED, SuspensionNotice.PAYMENT, is_customer=True)
    ended = paid.ended_at or now
    return Standing(State.ENDED, SuspensionNotice.ENDED, delete_at=ended + periods.subscription_kept, is_customer=True)
