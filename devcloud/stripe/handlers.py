"""All services, imported so that the table of methods is full."""

from importlib import import_module

_MODULES = (
    "accounts",
    "billing_portal",
    "checkout",
    "clocks",
    "coupons",
    "credit_notes",
    "customers",
    "disputes",
    "invoice_items",
    "invoices",
    "payment_intents",
    "payment_methods",
    "previews",
    "prices",
    "products",
    "promotion_codes",
    "refunds",
    "setup_intents",
    "subscription_items",
    "subscription_schedules",
    "subscriptions",
    "tax_ids",
    "webhook_endpoints",
)


def load() -> None:
    """Every method that is implemented is in the table."""
    for name in _MODULES:
        import_module(f"devcloud.stripe.services.{name}")
