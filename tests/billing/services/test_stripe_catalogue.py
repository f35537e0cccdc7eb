"""Our catalogue is brought to Stripe: first said, then done, twice without harm, and nothing of others is touched."""

import pytest
from django.core.management import CommandError, call_command
from stripe import StripeClient

from billing.clients.stripe import Away, StripeRefused, client
from billing.models import Feature, Interval, Plan, Price
from billing.services.catalogue import Terms, price_set, sold_retire
from billing.services.stripe_catalogue import catalogue_changes, catalogue_sync
from portal.core.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
WHY = "A new price list."
SOLD = 13  # plans and features, each with two prices


@pytest.fixture(autouse=True)
def _stripe(devcloud, settings, catalogue):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_portal", f"{devcloud.http_url}/stripe"


@pytest.fixture
def stripe() -> StripeClient:
    """Stripe as somebody else sees it."""
    return client()


def listed(stripe, kind):
    return list(getattr(stripe.v1, kind).list({"limit": 100}).auto_paging_iter())


def test_first_it_is_said_what_would_change_and_nothing_is(stripe):
    changes = catalogue_changes()
    assert len(changes) == 3 * SOLD
    assert str(changes[0]).startswith("create the product plan-team: name Team")
    assert listed(stripe, "products") == listed(stripe, "prices") == []


def test_then_stripe_has_it_and_prices_know_their_ids(stripe, by_ada):
    catalogue_sync(actor=by_ada, reason=WHY)
    assert {product.id for product in listed(stripe, "products")} >= {"plan-team", "feature-executors"}
    found = {price.lookup_key: price for price in listed(stripe, "prices")}
    for price in Price.objects.all():
        theirs = found[price.lookup_key]
        assert (theirs.id, theirs.unit_amount, theirs.currency) == (price.stripe_id, price.unit_amount, price.currency)
        assert theirs.recurring["interval"] == price.interval
    assert catalogue_changes() == []
    assert AuditEvent.objects.get(action="catalogue.sync").reason == WHY


def test_a_second_sync_changes_nothing_and_is_not_audited(by_ada):
    catalogue_sync(actor=by_ada)
    assert catalogue_sync(actor=by_ada) == []
    assert AuditEvent.objects.filter(action="catalogue.sync").count() == 1


def test_a_new_price_is_another_one_there_and_the_former_is_archived(stripe, by_ada):
    catalogue_sync(actor=by_ada)
    team = Plan.objects.get(pk="team")
    price_set(sold=team, terms=Terms(Interval.MONTH), unit_amount=21_00, actor=by_ada, reason=WHY)
    assert sorted(str(change).split(":")[0] for change in catalogue_changes()) == [
        "create the price team-month-usd-2",
        "update the price team-month-usd-1",
    ]
    catalogue_sync(actor=by_ada)
    of_team = {price.lookup_key: price.active for price in listed(stripe, "prices") if price.product == "plan-team"}
    assert of_team == {"team-month-usd-1": False, "team-month-usd-2": True, "team-year-usd-1": True}


def test_what_is_retired_is_archived_and_what_is_renamed_is_renamed(stripe, by_ada):
    catalogue_sync(actor=by_ada)
    sold_retire(sold=Feature.objects.get(pk="standby"), actor=by_ada, reason=WHY)
    Plan.objects.filter(pk="team").update(title="Crew")
    catalogue_sync(actor=by_ada)
    products = {product.id: product for product in listed(stripe, "products")}
    assert (products["feature-standby"].active, products["plan-team"].name) == (False, "Crew")


def test_products_of_others_are_left_alone(stripe, by_ada):
    stripe.v1.products.create({"name": "Mugs"})
    catalogue_sync(actor=by_ada)
    assert catalogue_changes() == []
    assert "Mugs" in {product.name for product in listed(stripe, "products")}


def test_a_sync_that_breaks_off_is_completed_by_the_next(devcloud, by_ada):
    devcloud.add_fault("products.create", "status", service="stripe", status=500, **{"from": 3})
    with pytest.raises(Away, match="away"):
        catalogue_sync(actor=by_ada)
    devcloud.control("DELETE", "faults")
    catalogue_sync(actor=by_ada)
    assert catalogue_changes() == []


def test_an_answer_that_is_lost_makes_nothing_twice(stripe, devcloud, by_ada):
    devcloud.add_fault("prices.create", "act_then_drop", service="stripe", nth=1)
    catalogue_sync(actor=by_ada)
    assert len(listed(stripe, "prices")) == 2 * SOLD


def test_without_a_key_it_says_so(settings):
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(StripeRefused, match="STRIPE_SECRET_KEY"):
        catalogue_changes()


def test_the_command_lists_first_and_applies_when_told(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("stripe_sync")
    assert ended.value.code == 1
    assert "39 changes. Nothing has been changed: use --apply." in capsys.readouterr().out
    call_command("stripe_sync", "--apply")
    capsys.readouterr()
    call_command("stripe_sync")
    assert capsys.readouterr().out == "Stripe's catalogue is as ours.\n"


def test_the_command_says_that_stripe_is_away(devcloud):
    devcloud.add_fault("products.list", "status", service="stripe", status=503)
    with pytest.raises(CommandError, match="Try again later"):
        call_command("stripe_sync")
