"""A stand-in of Stripe: its API below /stripe/v1/, the pages that it hosts, its webhooks, and its billing over time."""

from devcloud.stripe.app import create_stripe

__all__ = ["create_stripe"]
