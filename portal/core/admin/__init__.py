"""The admin: how its pages work (pages, deeds, words, policy), and the pages for customers and records.

Nobody edits rows by hand: pages show, and what may be done is a deed, which asks for a reason and calls one service.
"""

from portal.core.admin import customers, policy, records

__all__ = ["customers", "policy", "records"]
