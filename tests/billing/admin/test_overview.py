"""The admin's first page: what the fleet is made of, how it does by its promises, and what it costs."""

from datetime import timedelta

import pytest
from celery.signals import before_task_publish
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.admin.overview import RECKON
from billing.costs.needs import SMALLEST_MOST_CENTS
from billing.models import CostLine, TrialPolicy
from billing.selectors.overview import fleet_reckon, fleet_reckoned
from billing.tasks import reckon_fleet
from portal.core import clock
from provisioning.admin.dashboard import Figure
from provisioning.models import Instance, Size, UptimeDay
from tests.billing.mirror import subscribe
from tests.provisioning.admin.pages import listing, text

pytestmark = pytest.mark.django_db
PAGE = "/admin/"
DOLLAR = 1_000_000_000


@pytest.fixture(autouse=True)
def _nothing_is_kept():
    cache.clear()


@pytest.fixture
def adas(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def customers(trial: Instance) -> Instance:
    """Runs since a month and more, in the smallest size for production."""
    trial.status, trial.kind, trial.size = "running", "production", Size.objects.get(pk="s")
    trial.ready_at = clock.now() - timedelta(days=60)
    trial.save()
    return trial


@pytest.fixture
def called():
    """The names of the tasks that are called, in order."""
    names: list[str] = []

    def note(sender: str, **_signal: object) -> None:
        names.append(sender)

    before_task_publish.connect(note)
    yield names
    before_task_publish.disconnect(note)


def figures(client) -> dict[str, Figure]:
    context = client.get(PAGE).context
    return {figure.title: figure for figure in [*context["figures"], *context["kept"]]}


def test_what_nobody_has_reckoned_is_asked_for_once(adas, customers, called):
    for _again in range(2):
        shown = text(adas, PAGE)
        assert "are being reckoned" in shown
        assert "Error budget" not in shown
    assert called == [RECKON]


def test_the_cost_of_the_smallest_size_is_set_against_what_it_may_be(adas, customers):
    reckon_fleet()
    found = figures(adas)["Cost of size s"]
    reckoned = fleet_reckoned()
    assert reckoned is not None
    assert reckoned.smallest.count == 1
    assert 0 < (reckoned.smallest.mean_cents or 0) <= SMALLEST_MOST_CENTS
    assert (found.is_bad, "at most 500.00 USD" in found.note) == (False, True)


def test_one_that_google_charges_more_for_is_counted(adas, customers):
    today = clock.now().date()
    CostLine.objects.bulk_create(
        CostLine(
            instance=customers,
            day=today - timedelta(days=ago),
            service="Compute Engine",
            sku="A",
            description="Core",
            currency="USD",
            nanos=20 * DOLLAR,
        )
        for ago in range(31)
    )
    fleet_reckon()
    found = figures(adas)["Cost of size s"]
    assert (found.count, found.is_bad) == ("600.00 USD", True)
    assert "1 above" in found.note


def test_uptime_and_budget_are_this_months(adas, customers):
    UptimeDay.objects.create(
        instance=customers, day=clock.now().date(), watched_seconds=86_400, down_seconds=864, planned_seconds=0
    )
    subscribe(customers, {"team-month-usd-1": 30})
    fleet_reckon()
    found = figures(adas)
    assert (found["Uptime this month"].count, found["Uptime this month"].is_bad) == ("99.000%", True)
    assert "margin" in found["Cost this month"].note


def test_room_for_trials_is_shown(adas, trial):
    TrialPolicy.objects.update(most_running=7)
    assert (figures(adas)["Trials"].count, figures(adas)["Trials"].note) == (1, "of 7 at once")


def test_what_the_fleet_is_made_of_leads_to_the_instances(adas, customers):
    compositions = dict(adas.get(PAGE).context["compositions"])
    assert [(share.title, share.count, share.percent) for share in compositions["Channel"]] == [("Stable", 1, 100.0)]
    for shares in compositions.values():
        (share,) = shares
        assert customers.pk in text(adas, share.link)
    other = {"channel": "early", "region": "europe-west3", "kind": "trial"}
    for field, value in other.items():
        assert customers.pk not in text(adas, listing("provisioning_instance"), **{f"{field}__exact": value})


def test_it_asks_as_much_for_a_large_fleet_as_for_a_small_one(adas, customers):
    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            text(adas, PAGE)
        return len(asked)

    few = queries()
    Instance.objects.bulk_create(
        Instance(
            organization=customers.organization,
            slug=f"fleet-{number}",
            domain=f"fleet-{number}.example",
            kind="production",
            size=customers.size,
            release=customers.release,
            admin_email=customers.admin_email,
            created_by=customers.created_by,
            status="running",
        )
        for number in range(60)
    )
    assert queries() == few
