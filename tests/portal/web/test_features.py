"""What people see of what their instance can do, and how they switch it on and off."""

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Feature, Grant, OptIn, Price
from portal.core import clock
from portal.core.models import Membership, Role
from provisioning.models import Health, Instance, Size
from provisioning.spec import FeatureSpec
from tests.billing.drafts import a_draft
from tests.billing.mirror import subscribe

AGREE = {"deed": "switch on"}


def listed(instance) -> str:
    return reverse("instance_features", args=[instance.pk])


def page(instance, name: str = "code-insights") -> str:
    return reverse("instance_feature", args=[instance.pk, name])


def said(answer) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def customers(running) -> Instance:
    subscribe(running, {"team-month-usd-1": 30, "static-address-month-usd-1": 1})
    Instance.objects.update(kind="production", trial_ends_at=None)
    return Instance.objects.get()


def test_a_trial_sees_what_it_may_try_and_what_the_rest_costs(alices, running):
    a_draft()
    shown = said(alices.get(listed(running)))
    for words in ("Code insights", "Free while the trial runs", "Static outbound address", "60.00 USD a month"):
        assert words in shown
    assert "Moon base" not in shown  # nobody can make one yet


def test_before_agreeing_price_effect_and_restart_are_said(alices, running):
    shown = said(alices.get(page(running)))
    for words in (
        "at no charge",
        "5.00 USD a month per seat",
        "Frontend and workers restart once",
        "restart once for it",
    ):
        assert words in shown


def test_agreeing_is_a_wish_and_says_what_happens_next(alices, alice, running):
    answer = alices.post(page(running), AGREE, follow=True)
    assert "Code insights is being switched on." in said(answer)
    assert "Your features are being changed" in said(answer)
    assert OptIn.objects.get().opted_in_by == alice


def test_it_is_switched_off_the_same_way(alices, running):
    alices.post(page(running), AGREE)
    shown = said(alices.get(page(running)))
    assert "Switch it off" in shown
    answer = alices.post(page(running), {"deed": "switch off"}, follow=True)
    assert "Code insights is being switched off." in said(answer)
    assert not OptIn.objects.exists()


def test_what_has_changed_since_the_page_was_opened_is_not_done(alices, running):
    alices.post(page(running), AGREE)
    answer = alices.post(page(running), AGREE)
    assert "Something has changed meanwhile." in said(answer)
    assert OptIn.objects.count() == 1


def test_what_is_not_included_leads_to_subscribing(alices, running):
    shown = said(alices.get(page(running, "static-address")))
    assert "It comes with a subscription" in shown
    assert "<form" not in shown.partition("Static outbound address</h2>")[2].partition("All features")[0]


def test_while_stripe_is_away_nothing_is_added_and_it_says_so(alices, customers, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_x", "http://127.0.0.1:1/stripe"
    Price.objects.update(stripe_id=F("lookup_key"))
    for answer in (alices.get(page(customers)), alices.post(page(customers), {"deed": "add"})):
        assert "Stripe does not answer just now." in said(answer)


def test_an_add_on_is_stopped_and_not_switched_off(alices, alice, customers):
    OptIn.objects.create(instance=customers, feature=Feature.objects.get(pk="static-address"))
    shown = said(alices.get(page(customers, "static-address")))
    assert "It stays on until 1 January 2027" in shown
    assert "Stop it at renewal" in shown


def test_the_subscription_begins_with_what_the_trial_has_taken_to(alices, running):
    alices.post(page(running), AGREE)
    shown = said(alices.get(reverse("instance_subscription", args=[running.pk])))
    assert "Code insights" in shown.partition("What it comes to")[2]


def test_the_address_that_it_calls_from_is_shown(alices, customers):
    Instance.objects.update(outbound_address="203.0.113.7")
    assert "203.0.113.7" in said(alices.get(listed(customers)))


@pytest.mark.parametrize("role", [Role.MEMBER, Role.BILLING])
def test_who_runs_nothing_sees_and_changes_nothing(alices, running, role):
    Membership.objects.filter(user__email="alice@acme.example").update(role=role)
    assert "Only an owner or an admin" in said(alices.get(listed(running)))
    assert alices.post(page(running), AGREE).status_code == 403
    assert not OptIn.objects.exists()


def test_of_another_organizations_there_is_nothing(charlies, running, globex):
    for address in (listed(running), page(running)):
        assert charlies.get(address).status_code == 404
    assert charlies.post(page(running), AGREE).status_code == 404


def test_a_feature_that_nobody_sells_is_not_there(alices, running):
    a_draft()
    assert alices.get(page(running, "moon-base")).status_code == 404


def test_the_list_takes_the_same_queries_however_much_is_had(alices, ada, customers):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert alices.get(listed(customers)).status_code == 200
        return len(captured)

    few = queries()
    for feature in Feature.objects.all():
        Grant.objects.create(instance=customers, feature=feature, granted_by=ada, reason="All of it.")
        OptIn.objects.create(instance=customers, feature=feature)
    assert queries() == few <= 26


class TestAStandby:
    @pytest.fixture
    def protected(self, running):
        subscribe(running, {"enterprise-month-usd-1": 100, "standby-month-usd-1": 1})
        standby = FeatureSpec("standby", parts=("standby",)).as_json()
        size, architecture = Size.objects.get(pk="m"), "1.2"
        Instance.objects.update(
            kind="production",
            trial_ends_at=None,
            features=[standby],
            size=size,
            architecture=architecture,
            region="us-central1",
        )
        return Instance.objects.get()

    def test_says_where_it_is_how_old_and_what_to_expect(self, alices, protected):
        shown = said(alices.get(page(protected, "standby")))
        assert "In South Carolina, United States." in shown
        assert "is not known yet" in shown
        seen = {"standby_lag_seconds": 3.0, "standby_seen_at": clock.now(), "volumes_copied_at": clock.now()}
        Health.objects.create(instance=protected, **seen)
        for words in ("are 3 s behind", "newest backup of the disks there", "within 1 h of our decision", "last 5 min"):
            assert words in said(alices.get(page(protected, "standby")))

    def test_that_has_taken_over_says_that_there_is_none_for_now(self, alices, protected):
        Instance.objects.update(region="us-east1", lost_region="us-central1", takeovers=1)
        assert "taken over from Iowa, United States" in said(alices.get(listed(protected)))

    def test_needs_a_server_in_the_instances_own_network(self, alices, running):
        subscribe(running, {"enterprise-month-usd-1": 100})
        size = Size.objects.get(pk="m")
        Instance.objects.update(kind="production", trial_ends_at=None, size=size, architecture="1.0")
        assert "architecture 1.0 has none" in said(alices.get(page(running, "standby")))
