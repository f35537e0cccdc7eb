"""A customer's facts are as Stripe has them, whoever asked, and however often; one customer's trouble is no other's."""

from datetime import timedelta

import pytest

from billing.models import Account, Invoice, Reversal, Subscription
from billing.services.facts import _refresh, accounts_ask, accounts_go_on
from billing.services.reconciling import accounts_reconcile
from portal.core import clock
from portal.core.turns import claim
from tests.billing.shop import BEGIN

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
SEATS = {"team-month-usd-1": 25}


def known(account: Account) -> Subscription:
    """After all that is due has been fetched."""
    accounts_go_on()
    return Subscription.objects.get(account=account)


def test_a_subscription_is_written_down_with_what_it_is_for(shop, account, trial):
    made = shop.subscribe(account, {**SEATS, "executors-month-usd-1": 3}, trial.pk)
    found = known(account)
    assert (found.pk, found.status, found.collection) == (made.id, "active", "charge_automatically")
    assert (found.instance_id, found.currency, found.interval) == (trial.pk, "usd", "month")
    assert found.period_ends_at == BEGIN.replace(month=12)
    assert set(found.items.values_list("price_id", "quantity")) == {
        ("team-month-usd-1", 25),
        ("executors-month-usd-1", 3),
    }
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.total, invoice.remaining) == ("paid", 25 * 19_00 + 3 * 240_00, 0)
    assert invoice.subscription_id == made.id
    assert invoice.url.startswith(shop.devcloud.http_url)


def test_a_price_that_is_not_ours_is_said_to_be_none(shop, account):
    product = shop.api.products.create({"name": "Mugs"})
    recurring = {"interval": "month"}
    price = shop.api.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": recurring}
    )
    shop.api.subscriptions.create({"customer": account.stripe_id, "items": [{"price": price.id}]})
    assert known(account).items.get().price is None


def test_an_instance_of_others_is_not_theirs(shop, account, trial, globex):
    theirs = shop.account(globex)
    shop.subscribe(theirs, SEATS, trial.pk)
    assert known(theirs).instance is None


def test_what_is_gone_there_is_gone_here(shop, account):
    made = shop.subscribe(account, {**SEATS, "executors-month-usd-1": 3})
    known(account)
    executors = next(item for item in made.to_dict()["items"]["data"] if item["quantity"] == 3)
    shop.api.subscription_items.delete(executors["id"])
    accounts_ask(Account.objects.all())
    assert [item.quantity for item in known(account).items.all()] == [25]


class TestUnpaid:
    @pytest.fixture
    def failing(self, shop, account):
        shop.subscribe(account, SEATS)
        shop.pay_with(account, "pm_card_chargeCustomerFail")
        shop.later(account, days=31)
        return account

    def test_it_is_told_since_when(self, failing):
        found = known(failing)
        assert (found.status, found.unpaid_since) == ("past_due", BEGIN.replace(month=12))

    def test_once_it_is_paid_nothing_is(self, shop, failing):
        known(failing)
        shop.pay_with(failing, "pm_card_visa")
        shop.api.invoices.pay(Invoice.objects.get(status="open").pk)
        accounts_ask(Account.objects.all())
        found = known(failing)
        assert (found.status, found.unpaid_since) == ("active", None)

    def test_where_no_invoice_is_open_any_more_it_is_since_we_knew(self, shop, failing):
        since = known(failing).unpaid_since
        shop.api.invoices.void_invoice(Invoice.objects.get(status="open").pk)
        accounts_ask(Account.objects.all())
        found = known(failing)
        assert not Invoice.objects.filter(status="open").exists()
        assert (found.status, found.unpaid_since) == ("past_due", since)


def test_who_asks_while_it_is_fetched_is_answered_by_another(shop, account):
    turn = claim(Account.objects.all())
    assert turn
    accounts_ask(Account.objects.all())
    _refresh(turn)
    account.refresh_from_db()
    assert account.due_at == account.asked_at
    accounts_go_on()
    account.refresh_from_db()
    assert account.due_at is None


def test_what_a_slow_worker_found_out_does_not_count(shop, account):
    slow = claim(Account.objects.all())
    assert slow
    Account.objects.update(due_at=clock.now())
    made = shop.subscribe(account, SEATS)
    assert known(account).pk == made.id
    Account.objects.update(fetched_at=None)
    _refresh(slow)
    assert Account.objects.get().fetched_at is None


def test_one_customers_error_does_not_stop_the_others(shop, account, globex):
    Account.objects.create(organization=globex, stripe_id="cus_nobody")
    shop.subscribe(account, SEATS)
    assert accounts_go_on() == 2
    lost = Account.objects.get(stripe_id="cus_nobody")
    assert Subscription.objects.filter(account=account).exists()
    assert (lost.failures, lost.fetched_at) == (1, None)
    assert "No such customer" in lost.error


def test_it_is_tried_again_later_and_later(shop, account, devcloud):
    devcloud.add_fault("subscriptions.list", "status", service="stripe", status=500)
    waits = []
    for _ in range(3):
        Account.objects.update(due_at=clock.now())
        accounts_go_on()
        account.refresh_from_db()
        waits.append(round((account.due_at - clock.now()).total_seconds()))
    assert waits == sorted(waits)
    assert waits[2] > 2 * waits[0]
    devcloud.control("DELETE", "faults")
    Account.objects.update(due_at=clock.now() - timedelta(seconds=1))
    accounts_go_on()
    account.refresh_from_db()
    assert (account.failures, account.error) == (0, "")


class TestMoneyThatGoesBack:
    def test_a_refund_is_known_with_its_sum(self, shop, account):
        shop.subscribe(account, SEATS)
        charge = shop.api.charges.list({"customer": account.stripe_id}).data[0]
        shop.api.refunds.create({"charge": charge.id, "amount": 400})
        accounts_go_on()
        found = Reversal.objects.get()
        assert (found.pk, found.refunded, found.amount, found.dispute) == (charge.id, 400, 25 * 19_00, "")

    def test_a_dispute_is_known_with_its_day(self, shop, account):
        shop.pay_with(account, "pm_card_createDispute")
        shop.subscribe(account, SEATS)
        accounts_go_on()
        found = Reversal.objects.get()
        assert (found.dispute, found.answer_by is not None) == ("needs_response", True)

    def test_a_dispute_that_nobody_told_of_is_found_by_the_daily_run(self, shop, account):
        shop.subscribe(account, SEATS)
        accounts_go_on()
        [charge] = shop.api.charges.list({"customer": account.stripe_id}).data
        shop.devcloud.control("POST", "stripe/disputes", {"charge": charge.id})
        known, _ = accounts_reconcile()
        assert [sentence for sentence in known if "is disputed: needs_response" in sentence]
        accounts_go_on()
        assert Reversal.objects.get().dispute == "needs_response"
