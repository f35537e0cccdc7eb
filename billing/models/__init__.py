"""What is sold, what Stripe tells of who buys it, and what infrastructure costs us."""

from billing.models.accounts import (
    Account,
    Collection,
    Invoice,
    Reversal,
    StripeEvent,
    Subscription,
    SubscriptionItem,
    SubscriptionStatus,
)
from billing.models.catalogue import Charge, Currency, Feature, Interval, Plan, Price, Status
from billing.models.costs import CostJump, CostLine, InstanceCosts
from billing.models.entitlements import Grant, OptIn
from billing.models.prices import UnitPrice
from billing.models.sales import Sale
from billing.models.seats import SeatOveruse
from billing.models.sla import SlaCredit
from billing.models.syncs import Sync
from billing.models.trials import TrialAllowance, TrialExtension, TrialPolicy, TrialRequest
from billing.models.upkeep import Upkeep

__all__ = [
    "Account",
    "Charge",
    "Collection",
    "CostJump",
    "CostLine",
    "Currency",
    "Feature",
    "Grant",
    "InstanceCosts",
    "Interval",
    "Invoice",
    "OptIn",
    "Plan",
    "Price",
    "Reversal",
    "Sale",
    "SeatOveruse",
    "SlaCredit",
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
