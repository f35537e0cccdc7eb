"""Money for admins: what is sold, and what infrastructure costs us."""

from billing.admin import accounts, catalogue, prices, syncs

__all__ = ["accounts", "catalogue", "prices", "syncs"]
