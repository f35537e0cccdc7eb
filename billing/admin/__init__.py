"""Money for admins: what is sold, and what infrastructure costs us."""

from billing.admin import accounts, catalogue, costs, prices, syncs

__all__ = ["accounts", "catalogue", "costs", "prices", "syncs"]
