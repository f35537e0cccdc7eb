"""Costs in the admin: a row for each living instance, its page, jumps that are settled with a reason; nobody edits."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import CostJump, CostLine, InstanceCosts, Plan, Price, Sync
from billing.services.catalogue import Terms, price_set
from billing.services.syncs import syncs_go_on
from portal.core import clock
from portal.core.models import AuditEvent
from tests.billing.export import CORE
from tests.billing.mirror import subscribe
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db
LIST, JUMPS = listing("billing_instancecosts"), listing("billing_costjump")
DOLLAR = 1_000_000_000


@pytest.fixture(autouse=True)
def day():
    with time_machine.travel("2026-12-16T00:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def adas(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def running(trial):
    """Acme's, of the size xs, since October."""
    trial.status, trial.ready_at, trial.kind = "running", "2026-10-01T00:00:00Z", "production"
    trial.save()
    return InstanceCosts.objects.get(pk=trial.pk)


def charge(instance, days: int = 31, dollars: int = 4) -> None:
    """So much a day in the last days, today among them."""
    today = clock.now().date()
    CostLine.objects.bulk_create(
        CostLine(
            instance_id=instance.pk, day=today - timedelta(days=number), service=CORE[0], sku=CORE[1],
            description=CORE[2], nanos=dollars * DOLLAR, currency="USD",
        )
        for number in range(days)
    )  # fmt: skip


def jumped(instance, **fields) -> CostJump:
    usual = {"service": CORE[0], "sku": CORE[1], "description": CORE[2], "since": date(2026, 11, 10)}
    levels = {"before_nanos": 10 * DOLLAR, "after_nanos": 20 * DOLLAR}
    return CostJump.objects.create(instance_id=instance.pk, **usual, **levels, **fields)


def priced(by_ada, currency="usd", interval="month", amount=20_00) -> Price:
    plan = Plan.objects.earliest("position")
    return price_set(sold=plan, terms=Terms(interval, currency), unit_amount=amount, actor=by_ada, reason="New.")


class TestTheList:
    def test_a_row_says_what_an_instance_costs_and_brings(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada).pk: 25})
        shown = text(adas, LIST)
        month = 323_69
        assert f"{month * 15 * 24 / 730 / 100:.2f} USD" in shown
        assert f"{month * 31 * 24 / 730 / 100:.2f} USD" in shown
        assert "500.00 USD" in shown
        assert "35 %" in shown  # (500 - 323.69) / 500

    def test_real_cost_counts_where_a_month_of_it_is_known(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada).pk: 25})
        charge(running, 31, 10)
        shown = text(adas, LIST)
        assert "160.00 USD" in shown  # sixteen days of this month
        assert "40 %" in shown  # 300 in thirty days

    def test_a_shorter_time_is_no_month(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada).pk: 25})
        charge(running, 20, 10)
        assert "35 %" in text(adas, LIST)

    def test_an_export_that_has_gone_silent_is_no_measure(self, adas, running, by_ada, day):
        subscribe(running, {priced(by_ada).pk: 25})
        charge(running, 31, 10)
        day.shift(timedelta(days=5))
        assert "35 %" in text(adas, LIST)

    def test_another_currency_is_shown_without_a_margin(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada, "eur").pk: 25}, currency="eur")
        shown = text(adas, LIST)
        assert "500.00 EUR" in shown
        assert "35 %" not in shown

    def test_who_does_not_pay_has_no_margin(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada).pk: 25}, status="unpaid")
        shown = text(adas, LIST)
        assert "500.00 USD" not in shown
        assert "no margin to be reckoned" in shown

    def test_deleted_instances_are_not_in_it(self, adas, running):
        InstanceCosts.objects.update(status="deleted", deleted_at=clock.now())
        assert running.slug not in text(adas, LIST).split("result_list")[-1]

    def test_jumps_are_flagged_and_filtered(self, adas, running):
        assert running.pk not in text(adas, LIST, jumps="open")
        jump = jumped(running)
        assert running.pk in text(adas, LIST, jumps="open")
        jump.settled_at, jump.note = clock.now(), "x"
        jump.save()
        assert running.pk not in text(adas, LIST, jumps="open")

    def test_it_takes_as_many_queries_for_one_instance_as_for_sixty(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada).pk: 25})
        charge(running)

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                text(adas, LIST)
            return len(captured)

        few = queries()
        source = InstanceCosts.objects.get()
        for number in range(60):
            source.pk, source.slug, source.domain = f"src-{number}", f"more-{number}", f"{number}.example"
            source.save(force_insert=True)
            charge(source, 3)
        assert queries() == few

    def test_a_size_of_unknown_parts_has_a_dash(self, adas, running):
        type(running.size).objects.filter(pk="xs").update(machine_type="a2-highgpu-1g")
        assert adas.get(LIST).status_code == 200

    def test_a_button_looks_now(self, adas, ada, running, settings):
        assert adas.post(f"{LIST}do/sync/", {"reason": "A strange invoice."})["Location"] == LIST
        syncs_go_on()
        assert (Sync.objects.get().status, Sync.objects.get().requested_by) == ("done", ada)


class TestAnInstance:
    def test_it_shows_what_was_charged_by_sku(self, adas, running):
        charge(running)
        shown = text(adas, page(running))
        assert CORE[2] in shown
        assert "120.00 USD" in shown  # of thirty full days
        assert "Charged by Google" in shown

    def test_without_an_export_it_shows_what_a_month_is_reckoned_to_be_made_of(self, adas, running):
        shown = text(adas, page(running))
        assert "Reckoned for a month" in shown
        assert "Cluster management" in shown
        assert "73.00 USD" in shown

    def test_it_shows_its_jumps_and_what_explains_them(self, adas, running):
        jump = jumped(running)
        shown = text(adas, page(running))
        assert page(jump) in shown
        assert "20.00 USD a day since 10 November, 10.00 USD before: no operation of ours" in shown

    def test_it_shows_the_customer_as_a_whole(self, adas, running, by_ada):
        subscribe(running, {priced(by_ada).pk: 25})
        assert "All of Acme" in text(adas, page(running))
        assert "35 % margin: 176.31 USD" in text(adas, page(running))

    def test_nobody_edits_it(self, adas, running):
        assert adas.post(page(running), {"slug": "stolen"}).status_code == 403
        assert adas.get(page(running, "delete")).status_code == 403


class TestAJump:
    def test_it_is_settled_with_a_reason(self, adas, ada, running):
        jump = jumped(running)
        assert jump.description in text(adas, JUMPS)
        assert do(adas, jump, "settle", reason="").status_code == 200
        assert do(adas, jump, "settle", reason="They have grown.").status_code == 302
        jump.refresh_from_db()
        assert (jump.settled_by, jump.note) == (ada, "They have grown.")
        assert AuditEvent.objects.get(action="cost.settle").reason == "They have grown."
        assert "/do/settle/" not in text(adas, page(jump))

    def test_it_says_which_operation_came_before(self, adas, running):
        resize = running.operations.create(
            kind="resize", status="succeeded", wanted={}, finished_at="2026-11-10T08:00:00Z"
        )
        shown = text(adas, page(jumped(running, explained_by=resize)))
        assert "since the resize of 10 November" in shown
        assert page(resize) in shown

    def test_nobody_edits_it(self, adas, running):
        assert adas.post(page(jumped(running)), {"note": "x"}).status_code == 403


@pytest.mark.parametrize("address", [LIST, JUMPS])
def test_who_is_no_staff_sees_nothing(client, alice, sam, address):
    for person in (alice, sam):
        client.force_login(person)
        assert client.get(address).status_code != 200
