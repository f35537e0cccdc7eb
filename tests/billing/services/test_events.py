"""Events are wake-up calls: signed, kept once, answered at once."""

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Account, Reversal, StripeEvent
from billing.services.events import Told, charges_go_on, keep
from billing.services.facts import accounts_go_on
from portal.core import clock
from portal.web.views.stripe import MOST_BYTES
from tests.billing.shop import SECRET, event, signed

pytestmark = pytest.mark.django_db
ADDRESS = reverse("stripe_events")
OTHER = "whsec_the_next_one"


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def known(acme) -> Account:
    """A customer whose facts are known."""
    return Account.objects.create(organization=acme, stripe_id="cus_1", due_at=None)


def send(payload: bytes, signature: str):
    client = Client(enforce_csrf_checks=True)
    return client.post(ADDRESS, payload, content_type="application/json", headers={"Stripe-Signature": signature})


def is_due() -> bool:
    return Account.objects.filter(due_at__lte=clock.now()).exists()


def test_an_event_is_kept_and_its_customers_facts_are_due(known):
    assert send(*signed(event())).status_code == 204
    kept = StripeEvent.objects.get()
    assert (kept.pk, kept.kind, kept.customer) == ("evt_1", "invoice.paid", "cus_1")
    assert is_due()


def test_one_about_the_customer_is_of_that_customer(known):
    about = {**event("customer.updated"), "data": {"object": {"object": "customer", "id": "cus_1"}}}
    send(*signed(about))
    assert is_due()


def test_a_second_one_with_the_same_id_changes_nothing(known):
    send(*signed(event()))
    Account.objects.update(due_at=None)
    assert send(*signed(event())).status_code == 204
    assert StripeEvent.objects.count() == 1
    assert not is_due()


def test_one_about_a_stranger_is_kept(known):
    assert send(*signed(event(customer="cus_2"))).status_code == 204
    assert StripeEvent.objects.get().customer == "cus_2"
    assert not is_due()


def test_one_about_nobody_is_kept(known):
    send(*signed({**event("price.created"), "data": {"object": {"id": "price_1"}}}))
    assert StripeEvent.objects.get().customer == ""
    assert not is_due()


@pytest.mark.parametrize(
    "sent",
    [
        signed(event(), secret=OTHER),
        signed(event(), age=301),
        (signed(event())[0], ""),
        (signed(event())[0], "t=1,v1=00"),
        (signed(event(key="evt_2"))[0], signed(event())[1]),
        (b"\xff\xfe", "t=1,v1=00"),
    ],
)
def test_what_stripe_has_not_just_signed_is_refused(known, sent):
    answer = send(*sent)
    assert (answer.status_code, answer.content) == (400, b"This is not signed by Stripe.")
    assert not StripeEvent.objects.exists()


def test_while_the_secret_is_replaced_both_count(known, settings):
    settings.STRIPE_WEBHOOK_SECRETS = [OTHER, SECRET]
    assert send(*signed(event(), secret=SECRET)).status_code == 204
    assert send(*signed(event(key="evt_2"), secret=OTHER)).status_code == 204


def test_without_a_secret_nothing_counts(known, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert send(*signed(event())).status_code == 400


def test_it_is_for_stripe_alone(client):
    assert client.get(ADDRESS).status_code == 405


def test_what_is_too_long_for_an_event_is_not_read(known):
    assert send(b"x" * (MOST_BYTES + 1), "").status_code == 413


def test_a_refusal_is_in_the_log(known, caplog):
    send(signed(event())[0], "")
    assert "event.refused" in caplog.text


def test_a_worker_is_called_once_for_facts_that_are_due_already(known):
    def kept(*keys: str) -> bool:
        return keep([Told(key, "invoice.paid", "cus_1", clock.now()) for key in keys])

    assert [kept("evt_1"), kept("evt_2"), kept("evt_2")] == [True, False, False]
    Account.objects.update(due_at=None)
    assert [kept("evt_2"), kept("evt_3", "evt_3", "evt_4")] == [False, True]
    assert StripeEvent.objects.count() == 4


class TestADispute:
    """Stripe names the charge that it is about, and not whose that is."""

    @pytest.fixture
    def disputed(self, shop, account) -> str:
        shop.subscribe(account, {"team-month-usd-1": 25})
        accounts_go_on()
        [charge] = shop.api.charges.list({"customer": account.stripe_id}).data
        shop.devcloud.control("POST", "stripe/disputes", {"charge": charge.id})
        [told] = shop.api.events.list({"type": "charge.dispute.created"}).data
        assert send(*signed(str(told).encode())).status_code == 204
        return str(charge.id)

    def test_is_known_as_soon_as_it_is_told_of(self, account, disputed):
        assert (charges_go_on(), charges_go_on()) == (1, 0)
        accounts_go_on()
        assert (Reversal.objects.get().pk, Reversal.objects.get().dispute) == (disputed, "needs_response")
        kept = StripeEvent.objects.get()
        assert (kept.customer, kept.charge) == (account.stripe_id, "")

    def test_waits_while_stripe_is_away(self, shop, disputed):
        shop.devcloud.add_fault("charges.retrieve", "status", service="stripe", status=503)
        assert charges_go_on() == 0
        shop.devcloud.control("DELETE", "faults")
        assert charges_go_on() == 1

    def test_of_a_charge_that_stripe_does_not_know_is_nobodys(self, disputed):
        StripeEvent.objects.update(charge="ch_unknown")
        assert (charges_go_on(), charges_go_on()) == (1, 0)
        assert not Reversal.objects.exists()


def test_a_worker_is_called_for_a_charge(known):
    assert keep([Told("evt_1", "charge.dispute.created", "", clock.now(), "ch_1")])
    assert not keep([Told("evt_1", "charge.dispute.created", "", clock.now(), "ch_1")])
