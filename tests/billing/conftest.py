"""Billing against devcloud: the real clients; only the far side is stood in for."""

import pytest

from billing.models import Account
from billing.services.stripe_catalogue import catalogue_sync
from portal.core.audit import Actor
from tests.billing.shop import SECRET, Shop
from tests.provisioning.workflows.conftest import devcloud, devcloud_server

__all__ = ["devcloud", "devcloud_server"]


@pytest.fixture
def stripe_settings(devcloud, settings) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_portal", f"{devcloud.http_url}/stripe"
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def shop(stripe_settings, devcloud, catalogue) -> Shop:
    """Stripe knows our catalogue, and its customers may be made to do things."""
    catalogue_sync(actor=Actor(None, "test"))
    return Shop(devcloud)


@pytest.fixture
def account(shop: Shop, acme) -> Account:
    """Acme is a customer of Stripe's with a card that pays, on a clock of its own."""
    return shop.account(acme)
