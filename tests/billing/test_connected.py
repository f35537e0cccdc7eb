"""Stripe and the portal, connected as in life: from what a customer does there to what we know, by signed events."""

import pytest
from django.core.management import call_command

from billing.clients.stripe import HEARD
from billing.models import StripeEvent, Subscription
from billing.services.connecting import stripe_connect
from billing.services.facts import accounts_go_on
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are of no matter here
]


@pytest.fixture
def connected(shop, live_server, settings, by_ada):
    secret = stripe_connect(address=f"{live_server.url}/stripe/events/", actor=by_ada)
    settings.STRIPE_WEBHOOK_SECRETS = [secret]
    return shop


def test_what_is_bought_there_is_known_here_soon(connected, account, trial):
    made = connected.subscribe(account, {"team-month-usd-1": 25}, trial.pk)
    eventually(lambda: StripeEvent.objects.filter(kind="invoice.paid").exists())
    assert accounts_go_on() == 1
    assert Subscription.objects.get().pk == made.id
    assert set(StripeEvent.objects.values_list("kind", flat=True)) <= set(HEARD)


def test_connecting_again_moves_the_endpoint_and_makes_no_other(connected, live_server, by_ada):
    assert stripe_connect(address="https://portal.example/stripe/events/", actor=by_ada) == ""
    [endpoint] = connected.api.webhook_endpoints.list().data
    assert endpoint.url == "https://portal.example/stripe/events/"
    [page] = connected.api.billing_portal.configurations.list().data
    assert page.features.subscription_update.enabled is False
    assert page.features.payment_method_update.enabled is True


def test_the_command_prints_the_secret_once(shop, capsys):
    call_command("stripe_connect")
    assert capsys.readouterr().out.startswith("STRIPE_WEBHOOK_SECRETS=whsec_")
    call_command("stripe_connect")
    assert "Stripe tells of events at http" in capsys.readouterr().out
