"""Sales by our own people: invoices and add-ons, discounts, a second person, and a Stripe that fails at times."""

import pytest

from billing.models import Feature, Invoice, Sale, Subscription
from billing.services.adding import feature_add
from billing.services.selling import deal_of, sale_approve, sale_go_on, sale_propose, sale_refuse, sale_withdraw
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.models import AuditEvent
from tests.billing.mirror import again

pytestmark = pytest.mark.django_db
WHY = "Signed on paper."
TEAM = {"plan": "team", "interval": "year", "seats": 30, "features": ["batch-changes"], "units": {}}
LIST = 30 * (190_00 + 60_00)


@pytest.fixture
def by_manager(by_ada):
    """Ada is a superuser, and so may decide what sales may not alone."""
    return by_ada


def sale(trial, percent: int = 0, **more) -> Sale:
    return Sale(instance=trial, kind=Sale.Kind.SUBSCRIPTION, wish=TEAM, reason=WHY, percent_off=percent, **more)


def add_on(trial, percent: int = 0, **more) -> Sale:
    wish = {"feature": "static-address", "units": 1}
    return Sale(instance=trial, kind=Sale.Kind.ADD_ON, wish=wish, reason=WHY, percent_off=percent, **more)


class TestASubscriptionByInvoice:
    def test_is_owed_in_thirty_days_and_runs_at_once(self, shop, account, trial, by_sam):
        made = sale_propose(sale=sale(trial), actor=by_sam)
        found = again()
        assert (made.state, found.collection, found.status, found.instance) == ("done", "send_invoice", "active", trial)
        shop.later(account, hours=2)
        again()
        invoice = Invoice.objects.get()
        assert (invoice.total, invoice.status) == (LIST, "open")
        assert invoice.due_at
        assert (invoice.due_at - invoice.created_at).days == 30
        assert set(AuditEvent.objects.filter(actor_label=by_sam.label).values_list("action", flat=True)) >= {
            "sale.propose",
            "sale.done",
        }

    def test_of_a_customer_that_stripe_does_not_know_makes_it_one(self, shop, trial, by_sam):
        sale_propose(sale=sale(trial), actor=by_sam)
        assert again().account.organization == trial.organization

    def test_at_a_discount_within_the_limit_is_done_at_once(self, shop, account, trial, by_sam):
        wanted = sale(trial, 20)
        assert deal_of(wanted).price == LIST * 8 // 10
        sale_propose(sale=wanted, actor=by_sam)
        shop.later(account, hours=2)
        again()
        assert Invoice.objects.get().total == LIST * 8 // 10

    def test_at_a_discount_leaves_what_is_added_later_at_its_price(self, shop, account, trial, by_sam):
        sale_propose(sale=sale(trial, 20), actor=by_sam)
        later = {"feature": Feature.objects.get(pk="static-address"), "units": 1, "key": "one", "actor": by_sam}
        feature_add(instance=trial, subscription=again(), **later)
        again()
        assert Invoice.objects.latest("created_at").total == 600_00

    def test_has_what_is_added_at_once_and_owes_it(self, shop, account, trial, by_sam):
        sale_propose(sale=sale(trial), actor=by_sam)
        later = {"feature": Feature.objects.get(pk="static-address"), "units": 1, "key": "one", "actor": by_sam}
        feature_add(instance=trial, subscription=again(), **later)
        assert "static-address-year-usd-1" in {item.price_id for item in again().items.all()}
        assert Invoice.objects.latest("created_at").status == "open"

    def test_twice_is_one(self, shop, account, trial, by_sam):
        made = sale_propose(sale=sale(trial, 10), actor=by_sam)
        Sale.objects.update(state="approved")  # it crashed before it was noted
        made.refresh_from_db()
        assert sale_go_on(sale=made, actor=by_sam).state == "done"
        assert again()

    def test_that_got_through_unnoticed_is_done_also_once_stripe_has_told_of_it(self, shop, account, trial, by_sam):
        made = sale_propose(sale=sale(trial, 10), actor=by_sam)
        Sale.objects.update(state="approved")
        again()
        with pytest.raises(Conflict, match="Stripe has it already"):
            sale_withdraw(sale=made, actor=by_sam, reason="Never mind.")
        assert sale_go_on(sale=made, actor=by_sam).state == "done"

    def test_of_one_who_is_subscribed_is_refused(self, shop, account, trial, by_sam):
        sale_propose(sale=sale(trial), actor=by_sam)
        again()
        with pytest.raises(Conflict, match="subscribed already"):
            sale_propose(sale=sale(trial), actor=by_sam)

    def test_while_stripe_is_away_stays_to_be_done(self, shop, account, trial, by_sam, settings):
        base, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:1/stripe"
        made = sale_propose(sale=sale(trial), actor=by_sam)
        assert (made.state, "Stripe is away" in made.error) == ("approved", True)
        settings.STRIPE_API_BASE = base
        assert sale_go_on(sale=made, actor=by_sam).state == "done"


class TestASecondPerson:
    def test_decides_above_the_limit(self, shop, account, trial, by_sam, by_manager):
        made = sale_propose(sale=sale(trial, 21), actor=by_sam)
        assert (made.state, list(Subscription.objects.all())) == ("proposed", [])
        done = sale_approve(sale=made, actor=by_manager, reason="A reference.")
        assert (done.state, done.decided_by) == ("done", by_manager.user)
        assert again()

    def test_is_not_the_one_who_proposed(self, shop, trial, by_manager):
        made = sale_propose(sale=sale(trial, 50), actor=by_manager)
        with pytest.raises(Forbidden, match="second person"):
            sale_approve(sale=made, actor=by_manager, reason="Me, too.")

    def test_is_a_manager(self, shop, trial, by_sam, by_manager, db):
        made = sale_propose(sale=sale(trial, 50), actor=by_manager)
        with pytest.raises(Forbidden, match="second person"):
            sale_approve(sale=made, actor=by_sam, reason="Fine.")

    def test_may_say_no(self, shop, trial, by_sam, by_manager):
        made = sale_propose(sale=sale(trial, 50), actor=by_sam)
        with pytest.raises(Invalid, match="Say why"):
            sale_refuse(sale=made, actor=by_manager, reason="")
        assert sale_refuse(sale=made, actor=by_manager, reason="Too much.").state == "refused"
        with pytest.raises(Conflict, match="is refused"):
            sale_approve(sale=made, actor=by_manager, reason="After all.")


class TestAnAddOn:
    @pytest.fixture
    def subscribed(self, shop, account, trial) -> Subscription:
        shop.subscribe(account, {"team-month-usd-1": 30}, trial.pk)
        return again()

    def test_at_a_discount_leaves_the_rest_at_its_price(self, shop, account, trial, subscribed, by_sam):
        assert sale_propose(sale=add_on(trial, 20), actor=by_sam).error == ""
        shop.later(account, days=31)
        again()
        assert Invoice.objects.latest("created_at").total == 30 * 19_00 + 60_00 * 8 // 10

    def test_for_some_months_costs_the_list_price_afterwards(self, shop, account, trial, subscribed, by_sam):
        sale_propose(sale=add_on(trial, 20, months_off=1), actor=by_sam)
        shop.later(account, days=32)
        again()
        assert Invoice.objects.latest("created_at").total == 30 * 19_00 + 60_00

    def test_that_got_through_unnoticed_is_done(self, shop, account, trial, subscribed, by_sam):
        made = sale_propose(sale=add_on(trial, 20), actor=by_sam)
        Sale.objects.update(state="approved")
        before = again().items.count()
        assert sale_go_on(sale=made, actor=by_sam).state == "done"
        assert again().items.count() == before

    def test_that_cannot_be_paid_is_not_there(self, shop, account, trial, subscribed, by_sam):
        shop.pay_with(account, "pm_card_chargeCustomerFail")
        sale_propose(sale=add_on(trial), actor=by_sam)
        found = again()
        assert (found.status, found.items.count()) == ("active", 1)

    def test_without_a_subscription_is_refused(self, shop, trial, by_sam):
        with pytest.raises(Conflict, match="no subscription"):
            sale_propose(sale=add_on(trial), actor=by_sam)


class TestAnOpenSale:
    def test_is_the_only_one(self, shop, trial, by_sam):
        sale_propose(sale=sale(trial, 50), actor=by_sam)
        with pytest.raises(Conflict, match="Another sale"):
            sale_propose(sale=sale(trial), actor=by_sam)

    def test_may_be_withdrawn(self, shop, trial, by_sam):
        made = sale_propose(sale=sale(trial, 50), actor=by_sam)
        assert sale_withdraw(sale=made, actor=by_sam, reason="They left.").state == "refused"
        with pytest.raises(Conflict, match="is refused"):
            sale_withdraw(sale=made, actor=by_sam, reason="Twice.")


def test_customers_sell_nothing(shop, trial, by_alice):
    with pytest.raises(Forbidden):
        sale_propose(sale=sale(trial), actor=by_alice)
    assert not Sale.objects.exists()
