"""Money for admins: what is sold, and what infrastructure costs us."""

from billing.admin import catalogue, prices, syncs

__all__ = ["catalogue", "prices", "syncs"]
