"""What the people of an instance see of what it costs, and how they come to pay."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Account, Invoice, Plan, Subscription
from billing.services.upkeep import upkeep_ask, upkeep_go_on
from portal.core import clock
from portal.core.models import Membership, Role
from provisioning.models import Instance
from tests.conftest import SUSPENDED

CHOICES = {"plan": "team", "interval": "month", "seats": "30"}


def page(instance) -> str:
    return reverse("instance_subscription", args=[instance.pk])


def quoted(instance) -> str:
    return reverse("subscription_quote", args=[instance.pk])


def said(answer) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def subscribed(running):
    account = Account.objects.create(organization=running.organization, stripe_id="cus_1", due_at=None)
    now = clock.now()
    subscription = Subscription.objects.create(
        stripe_id="sub_1", account=account, instance=running, status="active", collection="charge_automatically",
        currency="usd", interval="month", period_ends_at=now, created_at=now,
    )  # fmt: skip
    subscription.items.create(stripe_id="si_1", price_id="team-month-usd-1", quantity=30)
    Invoice.objects.create(
        stripe_id="in_1", account=account, number="ACME-0001", status="paid", currency="usd", total=570_00,
        remaining=0, created_at=now, url="https://invoice.example/1",
    )  # fmt: skip
    return subscription


def test_a_trial_is_shown_what_there_is_and_what_it_comes_to(alices, running):
    shown = said(alices.get(page(running)))
    told = ("The trial ends", "Team", "19.00 USD a month per seat", "From 25 seats", "475.00 USD", "Go on to payment")
    for words in told:
        assert words in shown
    assert "Business" not in shown.split("Features")[0]  # it does not include the trial's size


@pytest.mark.usefixtures("on_offer")
def test_what_it_cannot_have_says_why(alices, running):
    assert "Executors needs at least size S." in said(alices.get(page(running)))


def test_the_sum_follows_what_is_chosen(alices, running):
    shown = said(alices.get(quoted(running), {**CHOICES, "features": ["batch-changes"]}))
    assert "30 seats at 19.00 USD" in shown
    assert "750.00 USD" in shown


@pytest.mark.usefixtures("on_offer")
@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ({"seats": "3"}, "Team is for 25 to 5,000 seats."),
        ({"seats": ""}, "Choose a plan, and how many seats."),
        ({"plan": "gold"}, "Choose a plan, and how many seats."),
        ({"features": ["allow-list"]}, "comes with other plans"),
    ],
)
def test_what_comes_to_nothing_says_why(alices, running, choices, why):
    assert why in said(alices.get(quoted(running), {**CHOICES, **choices}))


def test_a_refusal_stands_at_its_field(alices, running):
    assert "Team is for 25 to 5,000 seats." in said(alices.post(page(running), {**CHOICES, "seats": "3"}))


def test_without_stripe_it_says_so_and_nothing_breaks(alices, running):
    answer = alices.post(page(running), CHOICES)
    assert answer.status_code == 200
    assert "STRIPE_SECRET_KEY is empty" in said(answer)


def test_while_stripe_is_away_it_says_so(alices, running, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_x", "http://127.0.0.1:1/stripe"
    assert "Stripe does not answer just now. Nothing was charged" in said(alices.post(page(running), CHOICES))


class TestWhoMayPay:
    @pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER])
    def test_others_look_and_are_told_whom_to_ask(self, bobs, bob, running, role):
        Membership.objects.filter(user=bob).update(role=role)
        assert "Only an owner, or whoever looks after money" in said(bobs.get(page(running)))
        assert bobs.post(page(running), CHOICES).status_code == 403
        assert bobs.post(reverse("payment_page", args=[running.pk])).status_code == 403

    def test_whoever_looks_after_money_may(self, bobs, bob, running):
        Membership.objects.filter(user=bob).update(role=Role.BILLING)
        assert bobs.post(page(running), CHOICES).status_code == 200

    def test_strangers_find_nothing(self, charlies, running):
        for address in (page(running), quoted(running)):
            assert charlies.get(address).status_code == 404
        assert charlies.post(reverse("payment_page", args=[running.pk])).status_code == 404


class TestASubscribedOne:
    def test_says_what_is_paid_for_and_shows_invoices(self, alices, running, subscribed):
        shown = said(alices.get(page(running)))
        for words in ("Team", "30", "monthly, by card", "ACME-0001", "570.00 USD", "Card and invoices"):
            assert words in shown
        assert "Go on to payment" not in shown

    def test_takes_as_many_queries_for_many_invoices_as_for_one(self, alices, running, subscribed):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                alices.get(page(running))
            return len(captured)

        queries()
        one = queries()
        for number in range(2, 9):
            Invoice.objects.create(
                stripe_id=f"in_{number}", account_id=running.organization_id, status="paid", currency="usd", total=1,
                remaining=0, created_at=clock.now(),
            )  # fmt: skip
            subscribed.items.create(stripe_id=f"si_{number}", price_id="team-month-usd-1", quantity=1)
        assert queries() == one

    def test_who_owes_is_told_until_when(self, alices, running, subscribed):
        Subscription.objects.update(status="past_due", unpaid_since=clock.now())
        assert "A payment is missing" in said(alices.get(page(running)))


def test_whoever_is_back_from_paying_waits_for_stripes_word(alices, running):
    Account.objects.create(organization=running.organization, stripe_id="cus_1", due_at=None)
    shown = said(alices.get(page(running), {"paid": "1"}))
    assert "We are waiting for Stripe" in shown
    assert "Go on to payment" not in shown
    assert Account.objects.get().due_at is not None


def test_a_suspended_trial_is_told_until_when_its_data_is_kept(alices, running):
    type(running).objects.update(**SUSPENDED, trial_ends_at=clock.now())
    shown = said(alices.get(page(running)))
    assert "The trial has ended" in shown
    assert "Go on to payment" in shown


def test_where_nothing_is_sold_people_are_told_to_talk_to_us(alices, running):
    Plan.objects.update(status="retired")
    assert "Talk to us about a subscription" in said(alices.get(page(running)))


class TestChangingIt:
    """Stripe is away in these: what it answers is tested with the services."""

    def address(self, instance, name) -> str:
        return reverse(name, args=[instance.pk])

    def test_fewer_seats_are_said_to_come_with_the_next_period(self, alices, running, subscribed):
        shown = said(alices.get(self.address(running, "subscription_seats"), {"seats": "25"}))
        assert "25 in place of 30 seats" in shown
        assert "Nothing is charged or paid back now." in shown

    def test_a_number_that_cannot_be_says_why(self, alices, running, subscribed):
        shown = said(alices.get(self.address(running, "subscription_seats"), {"seats": "3"}))
        assert "From 25 to 5,000 seats." in shown
        assert "Change it" not in shown

    def test_the_end_is_said_before(self, alices, running, subscribed):
        shown = said(alices.get(self.address(running, "subscription_end")))
        assert "Its data is kept for 30 days" in shown
        assert "STRIPE_SECRET_KEY is empty" in said(alices.post(self.address(running, "subscription_end")))

    def test_one_that_ends_offers_to_go_on(self, alices, running, subscribed):
        Subscription.objects.update(cancel_at=clock.now())
        assert "Go on after all" in said(alices.get(page(running)))
        assert alices.post(self.address(running, "subscription_go_on")).status_code == 302

    @pytest.mark.parametrize("name", ["subscription_seats", "subscription_end", "subscription_go_on"])
    def test_is_for_payers(self, bobs, charlies, running, subscribed, name):
        assert bobs.post(self.address(running, name), {"seats": "40"}).status_code == 403
        assert charlies.post(self.address(running, name), {"seats": "40"}).status_code == 404

    @pytest.mark.parametrize("name", ["subscription_seats", "subscription_end"])
    def test_without_a_subscription_there_is_nothing_to_change(self, alices, running, name):
        assert alices.get(self.address(running, name)).status_code == 404


class TestAMissingPayment:
    @pytest.fixture
    def owing(self, subscribed, running):
        Subscription.objects.update(status="past_due", unpaid_since=clock.now())
        upkeep_ask(Instance.objects.all())
        upkeep_go_on()

    def test_is_said_on_every_page_to_whoever_pays(self, alices, owing, running):
        shown = said(alices.get("/organization/members/"))
        assert "A payment for acme is missing." in shown
        assert page(running) in shown

    def test_is_not_said_to_others(self, bobs, owing):
        assert "A payment for acme is missing." not in said(bobs.get("/organization/members/"))

    def test_is_said_no_more_once_it_has_come(self, alices, owing):
        Subscription.objects.update(status="active", unpaid_since=None)
        upkeep_ask(Instance.objects.all())
        upkeep_go_on()
        assert "is missing" not in said(alices.get("/organization/members/"))


def plan_page(instance) -> str:
    return reverse("subscription_plan", args=[instance.pk])


class TestAnotherPlan:
    def test_is_offered_where_it_includes_the_size(self, alices, subscribed, running):
        assert "No other plan that we sell includes size XS" in said(alices.get(plan_page(running)))
        Instance.objects.update(size="s")
        assert "Business" in said(alices.get(plan_page(running)))

    def test_that_cannot_be_had_says_why(self, alices, subscribed, running, settings):
        Instance.objects.update(size="s")
        shown = said(alices.get(plan_page(running), {"plan": "business"}))
        assert "Business begins with 50 seats; there are 30." in shown

    def test_is_for_whoever_pays(self, bobs, subscribed, running):
        assert bobs.post(plan_page(running), {"plan": "business"}).status_code == 403
