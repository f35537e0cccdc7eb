"""What is sold, what Stripe tells of who buys it, and what infrastructure costs us."""

from billing.models.accounts import (
    Account,
    Collection,
    Invoice,
    StripeEvent,
    Subscription,
    SubscriptionItem,
    SubscriptionStatus,
)
from billing.models.catalogue import Charge, Currency, Feature, Interval, Plan, Price, Status
from billing.models.prices import UnitPrice
from billing.models.syncs import Sync
from billing.models.trials import TrialAllowance, TrialExtension, TrialPolicy, TrialRequest
from billing.models.upkeep import Upkeep

__all__ = [
    "Account",
    "Charge",
    "Collection",
    "Currency",
    "Feature",
    "Interval",
    "Invoice",
    "Plan",
    "Price",
    "Status",
    "StripeEvent",
    "Subscription",
    "SubscriptionItem",
    "SubscriptionStatus",
    "Sync",
    "TrialAllowance",
    "TrialExtension",
    "TrialPolicy",
    "TrialRequest",
    "UnitPrice",
    "Upkeep",
]
