"""The sales desk: who sees it, what it shows, and that nothing is done before it was said what it means."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Grant, Sale, SeatOveruse, TrialExtension, TrialRequest
from billing.selectors.desk import Order, customers
from billing.services.upkeep import upkeep_ask, upkeep_go_on
from portal.core import clock
from portal.core.models import AuditEvent, Organization
from provisioning.models import Instance, Usage
from tests.billing.mirror import subscribe

WHY = "They asked for it on the phone."


@pytest.fixture
def sams(browser_of, sam):
    return browser_of(sam)


@pytest.fixture
def adas(browser_of, ada):
    return browser_of(ada)


def said(answer) -> str:
    return " ".join(answer.content.decode().split())


def act(kind: str, target, name: str) -> str:
    return reverse("desk_act", args=[kind, target.pk, name])


def customer(organization) -> str:
    return reverse("desk_customer", args=[organization.pk])


@pytest.mark.parametrize("page", ["desk_today", "desk_customers", "desk_waiting"])
class TestTheDesk:
    def test_is_there_for_our_own_people(self, sams, page):
        assert sams.get(reverse(page)).status_code == 200

    def test_does_not_exist_for_customers(self, alices, page):
        assert alices.get(reverse(page)).status_code == 404

    def test_wants_strangers_to_log_in(self, client, page):
        assert client.get(reverse(page)).status_code == 302


def test_customers_can_neither_look_at_nor_do_anything(alices, running, acme):
    assert alices.get(customer(acme)).status_code == 404
    answer = alices.post(act("instances", running, "extend"), {"days": 30, "reason": WHY, "act": "1"})
    assert (answer.status_code, TrialExtension.objects.count()) == (404, 0)


def test_sales_comes_to_the_desk(sams):
    assert sams.get("/").url == reverse("desk_today")


class TestFinding:
    @pytest.mark.parametrize("wanted", ["acm", "alice@acme", "acme.sourcegraph"])
    def test_by_a_part_of_what_is_known(self, sams, running, globex, wanted):
        shown = said(sams.get(reverse("desk_customers"), {"q": wanted}))
        assert "Acme" in shown
        assert "Globex" not in shown

    def test_by_the_id_of_an_instance(self, sams, running):
        assert "Acme" in said(sams.get(reverse("desk_customers"), {"q": running.pk}))

    def test_of_nobody_says_so(self, sams, running):
        assert "Nobody found" in said(sams.get(reverse("desk_customers"), {"q": "initech"}))

    def test_trials_come_by_the_days_that_they_have_left(self, sams, running, globex):
        shown = said(sams.get(reverse("desk_customers"), {"show": "trials"}))
        assert "Acme" in shown
        assert "Globex" not in shown

    def test_takes_the_same_queries_however_many_there_are(self, sams, running):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert sams.get(reverse("desk_customers")).status_code == 200
            return len(captured)

        few = queries()
        for number in range(5):
            Organization.objects.create(name=f"Number {number}", slug=f"n{number}", email_domain="n.example")
        assert queries() == few <= 16


class TestToday:
    def test_is_empty_where_nothing_needs_a_person(self, sams):
        assert "Nothing needs a person" in said(sams.get(reverse("desk_today")))

    def test_has_trials_that_end_and_payments_that_are_missing(self, sams, running):
        Instance.objects.update(trial_ends_at=clock.now() + timedelta(days=2))
        upkeep_ask(Instance.objects.all())
        upkeep_go_on()
        assert "A trial ends" in said(sams.get(reverse("desk_today")))
        subscribe(running, status="past_due", unpaid_since=clock.now())
        upkeep_ask(Instance.objects.all())
        upkeep_go_on()
        assert "A payment is missing" in said(sams.get(reverse("desk_today")))

    def test_has_discounts_that_wait_for_a_second_person(self, sams, sam, running):
        wish = {"feature": "static-address", "units": 1}
        Sale.objects.create(instance=running, kind="add-on", wish=wish, percent_off=40, proposed_by=sam, reason=WHY)
        shown = said(sams.get(reverse("desk_today")))
        assert "A discount needs a second person" in shown
        assert "40 % off, by Sam Sales" in shown


class TestACustomersPage:
    def test_shows_trial_money_features_people_and_history(self, sams, running, acme, ada):
        Grant.objects.create(instance=running, feature_id="static-address", granted_by=ada, reason="A favour.")
        shown = said(sams.get(customer(acme)))
        told = ("acme", "Alice", "Costs us", "Static outbound address granted: A favour.", "instance.create")
        for words in told:
            assert words in shown

    def test_takes_few_queries(self, sams, running, acme):
        with CaptureQueriesContext(connection) as captured:
            sams.get(customer(acme))
        assert len(captured) <= 40

    def test_of_nobody_is_not_there(self, sams):
        assert sams.get(reverse("desk_customer", args=["org-0"])).status_code == 404


class TestAnAct:
    def test_says_first_what_it_means_and_does_nothing(self, sams, running):
        answer = sams.post(act("instances", running, "extend"), {"days": 14, "reason": WHY})
        shown = said(answer)
        assert "It was never extended before." in shown
        assert "costs us" in shown
        assert not TrialExtension.objects.exists()

    def test_is_done_once_that_was_agreed_to(self, sams, running, acme):
        before = running.trial_ends_at
        answer = sams.post(act("instances", running, "extend"), {"days": 14, "reason": WHY, "act": "1"})
        assert answer.url == customer(acme)
        running.refresh_from_db()
        assert running.trial_ends_at == before + timedelta(days=14)
        assert AuditEvent.objects.filter(action="instance.trial-extended", reason=WHY).exists()

    def test_wants_a_reason(self, sams, running):
        shown = said(sams.post(act("instances", running, "extend"), {"days": 14, "act": "1"}))
        assert "Say why." in shown
        assert not TrialExtension.objects.exists()

    def test_that_the_service_refuses_says_so(self, sams, running):
        for _ in range(2):
            answer = sams.post(act("instances", running, "extend"), {"days": 14, "reason": WHY, "act": "1"})
        assert "sales manager" in said(answer)
        assert TrialExtension.objects.count() == 1

    def test_grants_and_takes_back(self, sams, running):
        until = (clock.now() + timedelta(days=30)).date()
        asked = {"feature": "static-address", "units": 1, "until": until, "reason": WHY}
        assert "worth 62.00 USD" in said(sams.post(act("instances", running, "grant"), asked))
        sams.post(act("instances", running, "grant"), {**asked, "act": "1"})
        made = Grant.objects.get()
        sams.post(act("grants", made, "end"), {"reason": WHY, "act": "1"})
        assert Grant.objects.filter(until__lte=clock.now()).exists()

    def test_proposes_a_discount_that_a_second_person_agrees_to(self, sams, adas, running):
        asked = {"plan": "team", "interval": "year", "seats": 30, "percent_off": 30, "reason": WHY}
        shown = said(sams.post(act("instances", running, "invoice"), asked))
        assert "3,990.00 USD each year in place of 5,700.00 USD" in shown
        assert "A second person, a manager, has to agree." in shown
        sams.post(act("instances", running, "invoice"), {**asked, "act": "1"})
        sale = Sale.objects.get()
        assert sale.state == "proposed"
        assert "second person" in said(sams.post(act("sales", sale, "approve"), {"reason": WHY, "act": "1"}))
        adas.post(act("sales", sale, "refuse"), {"reason": "Too much.", "act": "1"})
        sale.refresh_from_db()
        assert (sale.state, sale.decided_because) == ("refused", "Too much.")

    def test_starts_who_waits(self, sams, catalogue, acme, alice):
        row = TrialRequest.objects.create(organization=acme, slug="acme", region="us-central1", requested_by=alice)
        assert "trials run" in said(sams.post(act("requests", row, "start"), {"reason": WHY}))
        sams.post(act("requests", row, "start"), {"reason": WHY, "act": "1"})
        row.refresh_from_db()
        assert row.state == "started"

    @pytest.mark.parametrize("address", ["/desk/instances/x/fly/", "/desk/grants/x/end/", "/desk/planets/1/end/"])
    def test_that_there_is_not_is_not_there(self, sams, address):
        assert sams.get(address).status_code == 404


def count_of(instance, days_ago=0, **figures) -> Usage:
    """What the instance counted so many days ago."""
    at = clock.now() - timedelta(days=days_ago)
    usual = {"seats": 20, "active_1d": 3, "active_7d": 12, "active_30d": 19}
    return Usage.objects.create(instance=instance, day=at.date(), counted_at=at, figures=usual | figures)


class TestUse:
    def another(self, instance, slug: str, name: str) -> Instance:
        """A running instance of another customer."""
        organization = Organization.objects.create(name=name, slug=slug, email_domain=f"{slug}.example")
        own = {field.attname: getattr(instance, field.attname) for field in Instance._meta.fields}
        own |= {"id": f"src-{slug}", "slug": slug, "domain": slug, "organization_id": organization.pk}
        return Instance.objects.create(**own)

    def test_is_on_a_customers_page(self, sams, running, acme):
        subscribe(running, {"team-month-usd-1": 25})
        count_of(running, 1, active_7d=9)
        count_of(running, seats=31)
        SeatOveruse.objects.create(instance=running, began_on=clock.now().date(), paid=25, used=31)
        shown = said(sams.get(customer(acme)))
        for words in (
            "31 of 25",
            "6 more than paid for, since",
            "12 in 7 days",
            "19 in 30 days",
            "from 9 to 12, now 12",
        ):
            assert words in shown

    def test_that_was_never_counted_says_so(self, sams, running, acme):
        assert "the first count comes within an hour" in said(sams.get(customer(acme)))

    def test_orders_customers_by_who_was_active_lately(self, sams, running):
        count_of(running, active_7d=5)
        count_of(self.another(running, "initech", "Initech"), active_7d=50)
        count_of(self.another(running, "hooli", "Hooli"), days_ago=20, active_7d=500)
        self.another(running, "umbrella", "Umbrella")
        for show in ("all", "trials"):
            shown = said(sams.get(reverse("desk_customers"), {"show": show, "order": "activity"}))
            assert shown.index("Initech") < shown.index("Acme") < shown.index("Hooli")
            assert shown.index("Acme") < shown.index("Umbrella")
        assert ">500<" not in shown

    def test_of_several_instances_adds_up_and_leaves_out_deleted_ones(self, sams, running, acme):
        second = self.another(running, "acme-2", "Acme Two")
        gone = self.another(running, "acme-3", "Acme Three")
        Instance.objects.filter(pk__in=[second.pk, gone.pk]).update(organization=acme, kind="production")
        Instance.objects.filter(pk=gone.pk).update(status="deleted")
        for instance in (running, second, gone):
            count_of(instance, 1, active_7d=900)
            count_of(instance, active_7d=5)
        [found] = customers(order=Order.ACTIVITY, wanted="acme.example")
        assert found.active == 10  # type: ignore[attr-defined] # an annotation

    def test_takes_the_same_queries_however_many_there_are(self, sams, running):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                sams.get(reverse("desk_customers"), {"order": "activity"})
            return len(captured)

        few = queries()
        for number in range(5):
            count_of(self.another(running, f"n{number}", f"Number {number}"))
        assert queries() == few <= 17

    def test_beyond_what_is_paid_for_needs_a_person(self, sams, running):
        row = SeatOveruse.objects.create(instance=running, began_on=clock.now().date(), paid=25, used=31)
        shown = said(sams.get(reverse("desk_today")))
        assert "More seats are used than paid for" in shown
        assert "31 accounts, 25 seats, since" in shown
        row.ended_at = clock.now()
        row.save()
        assert "Nothing needs a person" in said(sams.get(reverse("desk_today")))
