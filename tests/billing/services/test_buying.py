"""Customers subscribe by themselves: what it comes to, on which page they pay, and that nobody pays twice."""

import httpx
import pytest

from billing.clients.stripe import Away
from billing.models import Account, Feature, Interval, Plan, Subscription
from billing.services.buying import account_open, bought, checkout_begin, portal_visit, quote
from billing.services.facts import accounts_go_on
from billing.services.upkeep import upkeep_go_on
from billing.terms.offers import Wish
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
MONTHLY = Wish("team", Interval.MONTH, 30)
BACK = "http://127.0.0.1:8000/instances/acme/subscription/"
CARD = {"act": "pay", "number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}


@pytest.fixture
def running(trial: Instance) -> Instance:
    Instance.objects.update(status="running")
    return Instance.objects.select_related("size", "release", "organization").get(pk=trial.pk)


class TestAQuote:
    def test_is_seats_times_price(self, running):
        found = quote(running, MONTHLY)
        assert [(line.title, line.reckoned, line.shown) for line in found.lines] == [
            ("Team", "30 seats at 19.00 USD", "570.00 USD")
        ]
        assert found.shown == "570.00 USD"

    def test_adds_features_by_seat_and_once(self, running):
        found = quote(running, Wish("team", Interval.YEAR, 30, ("batch-changes", "static-address")))
        amounts = {line.title: (line.quantity, line.unit_amount) for line in found.lines}
        assert amounts == {
            "Team": (30, 190_00),
            "Batch changes": (30, 60_00),
            "Static outbound address": (1, 600_00),
        }
        assert found.total == 30 * 250_00 + 600_00

    def test_counts_what_is_counted(self, running):
        Instance.objects.update(size="s")
        running.refresh_from_db()
        found = quote(running, Wish("business", Interval.MONTH, 50, ("executors",), {"executors": 3}))
        assert found.lines[1].reckoned == "3 executors at 240.00 USD"

    def test_charges_nothing_for_what_the_plan_includes(self, running):
        Instance.objects.update(size="s")
        running.refresh_from_db()
        assert len(quote(running, Wish("business", Interval.MONTH, 50, ("batch-changes",))).lines) == 1

    @pytest.mark.parametrize(
        ("wish", "field", "why"),
        [
            (Wish("gold", Interval.MONTH, 30), "plan", "Choose a plan"),
            (Wish("enterprise", Interval.MONTH, 100), "plan", "does not include size XS"),
            (Wish("team", Interval.MONTH, 24), "seats", "25 to 5,000 seats"),
            (Wish("team", Interval.MONTH, 5_001), "seats", "25 to 5,000 seats"),
            (Wish("team", Interval.MONTH, 30, ("tea",)), "features", "tea: nothing of that name"),
            (Wish("team", Interval.MONTH, 30, ("executors",)), "features", "at least size S"),
            (Wish("team", Interval.MONTH, 30, ("allow-list",)), "features", "other plans: business, enterprise"),
        ],
    )
    def test_says_why_there_is_none(self, running, wish, field, why):
        with pytest.raises(Invalid, match=why) as raised:
            quote(running, wish)
        assert raised.value.field == field

    def test_of_a_feature_that_the_version_cannot_carry_says_so(self, running):
        Feature.objects.filter(pk="code-insights").update(minimum_version="99.0.0")
        with pytest.raises(Invalid, match=r"needs version 99\.0\.0"):
            quote(running, Wish("team", Interval.MONTH, 30, ("code-insights",)))

    def test_of_an_assistant_with_nobody_to_ask_says_so(self, running):
        with pytest.raises(Invalid, match="AI assistant: No provider of models is set up here"):
            quote(running, Wish("team", Interval.MONTH, 30, ("assistant",)))

    def test_on_a_cluster_of_ones_own_nothing_is_made_at_google(self, running):
        running.tenancy = "byok"
        with pytest.raises(Invalid, match="Static outbound address is made in Google Cloud"):
            quote(running, Wish("team", Interval.MONTH, 30, ("static-address",)))

    def test_of_what_is_sold_no_more_there_is_none(self, running):
        Plan.objects.update(status="retired")
        with pytest.raises(Invalid, match="Choose a plan"):
            quote(running, MONTHLY)


class TestCheckout:
    def test_leads_to_a_page_and_what_is_paid_there_is_known_and_converts(self, shop, running, by_alice):
        page = checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice)
        assert page.startswith(shop.devcloud.http_url)
        assert "$570.00" in httpx.get(page, trust_env=False).text
        assert httpx.post(page, data=CARD, trust_env=False).headers["Location"] == f"{BACK}?paid=1"
        bought(running)
        accounts_go_on()
        upkeep_go_on()
        found = Subscription.objects.get()
        assert (found.status, found.instance_id) == ("active", running.pk)
        running.refresh_from_db()
        assert (running.kind, running.operations.get().kind) == ("production", "repair")
        event = AuditEvent.objects.get(action="checkout.begin")
        assert (event.actor_label, event.details["total"]) == (by_alice.label, 570_00)

    def test_asked_twice_it_is_the_same_page(self, shop, running, by_alice):
        pages = {checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice) for _ in range(2)}
        assert len(pages) == 1

    def test_another_wish_closes_the_former_page(self, shop, running, by_alice):
        former = checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice)
        other = checkout_begin(instance=running, wish=Wish("team", Interval.MONTH, 31), back=BACK, actor=by_alice)
        assert former != other
        assert httpx.post(former, data=CARD, trust_env=False).status_code == 410
        assert httpx.post(other, data=CARD, trust_env=False).status_code == 303

    def test_who_is_subscribed_is_not_sold_to_again(self, shop, running, by_alice, account):
        shop.subscribe(account, {"team-month-usd-1": 25}, running.pk)
        bought(running)
        accounts_go_on()
        with pytest.raises(Conflict, match="subscribed already"):
            checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice)

    def test_what_stripe_does_not_know_yet_is_not_sold(self, stripe_settings, running, by_alice):
        with pytest.raises(Conflict, match="does not know team-month-usd-1"):
            checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice)

    def test_while_stripe_is_away_nothing_has_happened(self, shop, devcloud, running, by_alice):
        devcloud.add_fault("checkout.sessions.create", "status", service="stripe", status=503)
        with pytest.raises(Away):
            checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice)
        devcloud.control("DELETE", "faults")
        assert checkout_begin(instance=running, wish=MONTHLY, back=BACK, actor=by_alice)


class TestTheAccount:
    def test_is_opened_once(self, shop, acme, by_alice):
        first, second = (account_open(acme, by_alice) for _ in range(2))
        assert first == second
        assert shop.api.customers.retrieve(first.stripe_id).metadata["organization"] == acme.pk
        assert AuditEvent.objects.filter(action="account.open").count() == 1

    def test_whose_answer_was_lost_is_the_same(self, shop, acme, by_alice):
        lost = account_open(acme, by_alice).stripe_id
        Account.objects.all().delete()
        assert account_open(acme, by_alice).stripe_id == lost

    def test_has_a_page_for_cards_and_invoices(self, shop, acme, by_alice):
        with pytest.raises(Conflict, match="no card"):
            portal_visit(organization=acme, back=BACK, actor=by_alice)
        account_open(acme, by_alice)
        shop.api.billing_portal.configurations.create(
            {"features": {"invoice_history": {"enabled": True}, "payment_method_update": {"enabled": True}}}
        )
        page = portal_visit(organization=acme, back=BACK, actor=by_alice)
        assert httpx.get(page, trust_env=False).status_code == 200
