"""What is sold, and what infrastructure costs us."""

from billing.models.catalogue import Charge, Currency, Feature, Interval, Plan, Price, Status
from billing.models.prices import UnitPrice
from billing.models.syncs import Sync

__all__ = ["Charge", "Currency", "Feature", "Interval", "Plan", "Price", "Status", "Sync", "UnitPrice"]
