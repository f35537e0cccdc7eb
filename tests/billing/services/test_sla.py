"""A broken month becomes a credit once, a person approves it with a click, and Stripe has it once."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from billing.models import Plan, SlaCredit
from billing.services.sla import credit_approve, credit_decline, credits_go_on, credits_propose
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent, Mail
from provisioning.models import UptimeDay
from tests.billing.mirror import again

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
NOVEMBER = date(2026, 11, 1)
THIRD = datetime(2026, 12, 3, 7, tzinfo=UTC)


@pytest.fixture
def subscription(shop, account, trial):
    shop.subscribe(account, {"team-month-usd-1": 30, "static-address-month-usd-1": 1}, trial.pk)
    return again()


@pytest.fixture
def broken(subscription, trial):
    """November: six hours down, of which one was planned. It is the third of December."""
    for day in range(30):
        UptimeDay.objects.create(instance=trial, day=NOVEMBER + timedelta(days=day), watched_seconds=86_400)
    UptimeDay.objects.filter(day=date(2026, 11, 9)).update(down_seconds=6 * 3_600, planned_seconds=3_600)
    with time_machine.travel(THIRD):
        yield subscription


def balance(shop, account) -> list[int]:
    found = shop.api.customers.balance_transactions.list(account.stripe_id).data
    return [each.amount for each in found]


def test_a_broken_month_is_proposed_once(broken, trial):
    assert (credits_propose(), credits_propose()) == (1, 0)
    found = SlaCredit.objects.get()
    assert (found.instance, found.month, found.state) == (trial, NOVEMBER, "proposed")
    assert (found.promised, found.reached) == (9_950, 9_930)
    assert (found.amount, found.currency) == ((30 * 19_00 + 60_00) * 5 // 100, "usd")


def test_a_month_that_kept_its_promise_is_not(broken):
    UptimeDay.objects.update(down_seconds=0, planned_seconds=0)
    credits_propose()
    assert not SlaCredit.objects.exists()


def test_maintenance_breaks_no_promise(broken):
    UptimeDay.objects.filter(down_seconds__gt=0).update(planned_seconds=6 * 3_600)
    assert credits_propose() == 0


def test_a_plan_that_promises_nothing_breaks_nothing(broken):
    Plan.objects.update(uptime_promise=0)
    assert credits_propose() == 0


def test_the_month_has_to_be_over(broken):
    with time_machine.travel(datetime(2026, 12, 1, 7, tzinfo=UTC)):
        assert credits_propose() == 0


def test_approved_it_is_given_once_and_told(broken, shop, account, by_ada):
    credits_propose()
    approved = credit_approve(proposed=SlaCredit.objects.get(), actor=by_ada)
    assert (credits_go_on(), credits_go_on()) == (1, 0)
    approved.refresh_from_db()
    assert (approved.state, approved.decided_by) == ("given", by_ada.user)
    assert balance(shop, account) == [-approved.amount]
    assert "31.50 USD" in str(Mail.objects.get(kind="sla-credit").context)
    actions = AuditEvent.objects.filter(action__startswith="sla.").values_list("action", flat=True)
    assert set(actions) == {"sla.approved", "sla.given"}


def test_an_answer_that_is_lost_gives_it_no_second_time(broken, shop, account, by_ada):
    credits_propose()
    credit_approve(proposed=SlaCredit.objects.get(), actor=by_ada)
    shop.devcloud.add_fault("customers.balance_transactions.create", "status", service="stripe", status=503)
    credits_go_on()
    waiting = SlaCredit.objects.get()
    assert (waiting.state, waiting.failures, "Stripe is away" in waiting.error) == ("approved", 1, True)
    shop.devcloud.control("DELETE", "faults")
    SlaCredit.objects.update(due_at=THIRD)
    credits_go_on()
    assert SlaCredit.objects.get().state == "given"
    assert len(balance(shop, account)) == 1


def test_declined_it_is_not_given(broken, by_ada):
    credits_propose()
    with pytest.raises(Invalid, match="Say why not"):
        credit_decline(proposed=SlaCredit.objects.get(), actor=by_ada, reason=" ")
    credit_decline(proposed=SlaCredit.objects.get(), actor=by_ada, reason="It was their own network.")
    assert credits_go_on() == 0
    with pytest.raises(Conflict, match="declined already"):
        credit_approve(proposed=SlaCredit.objects.get(), actor=by_ada)


def test_a_double_click_approves_once(broken, by_ada):
    credits_propose()
    proposed = SlaCredit.objects.get()
    credit_approve(proposed=proposed, actor=by_ada)
    with pytest.raises(Conflict, match="approved already"):
        credit_approve(proposed=proposed, actor=by_ada)


def test_a_click_in_the_admin_approves(broken, client, ada):
    credits_propose()
    client.force_login(ada)
    row = SlaCredit.objects.get()
    assert "99.30 % of 99.50 %" in client.get("/admin/billing/slacredit/").content.decode()
    assert client.post(f"/admin/billing/slacredit/{row.pk}/do/approve/").status_code == 302
    row.refresh_from_db()
    assert row.state == "approved"


def test_it_takes_the_same_queries_for_all(broken, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        credits_propose()
