"""Plans, features and prices in the admin: edited with an audit event, priced and synced by buttons."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Feature, Plan, Price, Status, Sync
from billing.services.syncs import syncs_go_on
from portal.core import clock
from portal.core.models import AuditEvent
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_offer")]
PLANS, FEATURES, PRICES, SYNCS = (listing(f"billing_{model}") for model in ("plan", "feature", "price", "sync"))


@pytest.fixture
def adas(ada, catalogue) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def team(catalogue) -> Plan:
    return Plan.objects.get(pk="team")


def test_the_list_says_what_each_costs(adas):
    shown = text(adas, PLANS)
    assert "19.00 USD, monthly" in shown
    assert "190.00 USD, yearly" in shown


@pytest.mark.parametrize("address", [PLANS, FEATURES, PRICES])
def test_a_list_takes_as_many_queries_for_one_row_as_for_all(adas, address):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            text(adas, address)
        return len(captured)

    all_of_them = queries()
    Price.objects.exclude(pk="team-month-usd-1").delete()
    Feature.objects.exclude(pk="executors").delete()
    assert queries() == all_of_them


def test_a_plan_is_edited_with_an_audit_event(adas, ada, team):
    fields = {"title": "Crew", "description": team.description, "minimum_seats": 30, "position": 1}
    promise = {"uptime_promise": 9_950, "credit_percent": 5}
    answer = adas.post(page(team), {**fields, **promise, "sizes": ["xs", "s"], "features": []})
    assert answer.status_code == 302
    team.refresh_from_db()
    assert (team.title, team.minimum_seats) == ("Crew", 30)
    assert AuditEvent.objects.get(action="plan.change").actor == ada


def test_a_price_is_set_by_a_button_with_a_reason(adas, team):
    answers = {"interval": "month", "currency": "usd", "unit_amount": 2100, "reason": "A new price list."}
    assert do(adas, team, "price", **answers)["Location"] == page(team)
    assert "21.00 USD, monthly" in text(adas, page(team))


def test_a_refusal_is_said_beside_its_field(adas, team):
    answers = {"interval": "month", "currency": "usd", "unit_amount": 1900, "reason": "Again."}
    assert "has that price already" in do(adas, team, "price", **answers).content.decode()


def test_a_plan_is_retired_and_offered(adas, team):
    do(adas, team, "retire", reason="Nobody takes it.")
    team.refresh_from_db()
    assert team.status == Status.RETIRED
    do(adas, team, "offer", reason="Somebody asked.")
    team.refresh_from_db()
    assert team.status == Status.OFFERED


def test_nobody_types_in_a_price(adas, team):
    assert adas.get(f"{PRICES}add/").status_code == 403
    assert adas.post(page(team.prices.first()), {"unit_amount": 1}).status_code == 403


def look(adas) -> None:
    """Somebody asks what differs, and a worker looks."""
    assert adas.post(f"{PRICES}do/look/")["Location"] == PRICES
    syncs_go_on()


def test_before_the_sync_it_is_shown_what_would_change(adas, devcloud, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_portal", f"{devcloud.http_url}/stripe"
    look(adas)
    assert "create the product plan-team" in text(adas, f"{PRICES}do/sync/")
    assert adas.post(f"{PRICES}do/sync/", {"reason": "The first time."})["Location"] == PRICES
    syncs_go_on()
    assert "39 changed, 0 to look at" in text(adas, SYNCS)
    assert "create the product plan-team" in text(adas, page(Sync.objects.get(kind="catalogue")))
    look(adas)
    assert "Nothing differs." in text(adas, f"{PRICES}do/sync/")


def test_nothing_is_brought_to_stripe_that_nobody_has_looked_at(adas):
    sync = f"{PRICES}do/sync/"
    assert "Nobody has looked lately" in text(adas, sync)
    assert "Look first what differs" in adas.post(sync, {"reason": "Quickly."}).content.decode()
    adas.post(f"{PRICES}do/look/")
    assert "is being asked what differs" in text(adas, sync)
    Sync.objects.update(status="done", finished_at=clock.now(), requested_at=clock.now() - timedelta(minutes=20))
    assert "Look first what differs" in adas.post(sync, {"reason": "Quickly."}).content.decode()
    assert not Sync.objects.filter(kind="catalogue").exists()


def test_the_page_waits_for_nobody(adas, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_portal", "http://127.0.0.1:1"
    adas.post(f"{PRICES}do/look/")
    assert "is being asked what differs" in text(adas, f"{PRICES}do/sync/")


def test_without_stripe_the_page_says_so(adas):
    look(adas)
    assert "STRIPE_SECRET_KEY is empty" in text(adas, f"{PRICES}do/sync/")
