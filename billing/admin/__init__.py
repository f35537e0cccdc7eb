"""Money for admins: what is sold, what infrastructure costs us, and who tries it for nothing."""

from billing.admin import accounts, catalogue, costs, organizations, prices, sla, syncs, trials

__all__ = ["accounts", "catalogue", "costs", "organizations", "prices", "sla", "syncs", "trials"]
