"""People see how reliable their instance is, and everybody how the service is; nobody sees others' instances."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse

from portal.web.uptime import percent, view_of
from provisioning.health.inside.findings import What, degraded, skipped, well
from provisioning.health.ledger import Ledger
from provisioning.health.slo import Uptime
from provisioning.models import Health, Instance, Outage, ProbeMinute, UptimeDay
from provisioning.selectors.reliability import fleet_reliability, reliability_of, worst_of_month
from provisioning.selectors.status import fleet_status
from tests.portal.web.test_queries import queries
from tests.provisioning.health.conftest import operate, stand

__all__ = ["operate", "stand"]
UNWELL = degraded(
    What.PODS, "gitserver-0 ran out of memory.", components={"gitserver": "ran out of memory"}, restarts={}
)
FULL = degraded(
    What.DISK,
    "the volume data of indexed-search-0 is 86% full.",
    disks=[
        {"name": "…", "percent": 86, "sized_by": "search_disk_gb", "gb": 100, "is_full": True},
        {"name": "…", "percent": 35, "sized_by": "sql_disk_gb", "gb": 100, "is_full": False},
    ],
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = NOON.date()


@pytest.fixture(autouse=True)
def _noon(db):
    cache.clear()
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def watched(stand) -> Instance:
    """A customer's instance with a month behind it: three minutes down on one day, five of maintenance on another."""
    instance: Instance = stand("acme", kind="production", time_zone="UTC")
    UptimeDay.objects.bulk_create(
        UptimeDay(instance=instance, day=TODAY - timedelta(days=ago), watched_seconds=86_400) for ago in range(60)
    )
    UptimeDay.objects.filter(day=date(2026, 11, 10)).update(down_seconds=180)
    UptimeDay.objects.filter(day=date(2026, 11, 12)).update(down_seconds=300, planned_seconds=300)
    return instance


@pytest.fixture
def looked_at(watched: Instance) -> Instance:
    """The same, seen lately from both sides."""
    ProbeMinute.objects.create(instance=watched, minute=NOON - timedelta(minutes=1), probes=2)
    found = [
        well(What.PODS, "12 pods, none of them in trouble.", components={}, restarts={}),
        well(What.DISK, "…", disks=[{"name": "…", "percent": 35, "sized_by": "", "gb": 0, "is_full": False}]),
        well(What.CERTIFICATE, "…", days_left=80, ends_at="…"),
        skipped(What.DATABASE, "Its databases are pods."),
    ]
    Health.objects.create(
        instance=watched,
        state="healthy",
        since=NOON - timedelta(hours=2),
        checked_at=NOON - timedelta(minutes=9),
        findings=[finding.as_json() for finding in found],
    )
    return watched


def page(instance: Instance) -> str:
    return reverse("instance_health", args=[instance.pk])


class TestReliability:
    def test_is_of_the_calendar_month(self, watched):
        found = reliability_of(watched)
        assert found.month == Uptime(24 * 86_400, 480, 300)
        assert found.before == Uptime(31 * 86_400 + 0, 0, 0)
        assert found.left == pytest.approx(1 - 180 / (30 * 86_400 * 0.001))
        assert len(found.days) == 90
        assert (found.days[-1].day, found.days[0].uptime) == (TODAY, Uptime())

    def test_tells_how_fast_the_budget_goes(self, watched):
        Outage.objects.create(instance=watched, began_at=NOON - timedelta(minutes=30), what="503")
        assert reliability_of(watched).burns == {1: pytest.approx(500), 6: pytest.approx(500 / 6)}

    def test_maintenance_spends_no_budget(self, watched, operate):
        Instance.objects.update(maintenance_hour=11)
        change = operate(watched, started_at=NOON - timedelta(minutes=40))
        Outage.objects.create(instance=watched, began_at=NOON - timedelta(minutes=30), what="503", operation=change)
        assert reliability_of(watched).burns[1] == 0

    def test_of_the_fleet_is_that_of_all_customers(self, watched, stand):
        other = stand("other", kind="trial", trial_ends_at=NOON)
        ours = stand("ours", kind="internal")
        for instance in (other, ours):
            UptimeDay.objects.create(instance=instance, day=TODAY, watched_seconds=86_400, down_seconds=86_400)
        assert fleet_reliability().month == Uptime(25 * 86_400, 480 + 86_400, 300)
        assert [(row[0].slug, row[1].down) for row in worst_of_month(5)] == [("other", 86_400), ("acme", 480)]

    def test_takes_as_many_queries_for_all(self, watched, stand, django_assert_num_queries):
        for number in range(10):
            stand(f"other-{number}", kind="production")
        with django_assert_num_queries(4):
            fleet_reliability()


class TestPage:
    def test_shows_both_figures_and_every_outage(self, alices, watched, operate):
        Outage.objects.create(
            instance=watched, began_at=NOON - timedelta(days=2), ended_at=NOON - timedelta(days=1.99), what="It is 503."
        )
        shown = alices.get(page(watched)).content.decode()
        for words in (
            "99.99 %",
            "99.97 %",
            "100 %",
            "It is 503.",
            "10 November: down for 3 min",
            "5 min of maintenance",
        ):
            assert words in shown

    def test_says_that_it_is_healthy_and_since_when(self, alices, looked_at):
        shown = alices.get(page(looked_at)).content.decode()
        assert "It is healthy, since" in shown
        assert "2 hours ago" in shown
        assert "24 Nov 2026, 10:00:00 UTC" in shown
        for words in ("Every part of it runs.", "The fullest is 35 % full.", "It is good for 80 more days."):
            assert words in shown

    def test_says_what_is_not_well_in_words_of_its_people(self, alices, looked_at):
        Health.objects.update(state="degraded", reason=UNWELL.sentence, findings=[UNWELL.as_json(), FULL.as_json()])
        shown = alices.get(page(looked_at)).content.decode()
        for words in ("a part of it is not well", "Git storage", "Search", "Its disk is 86 % full."):
            assert words in shown
        for words in ("gitserver", "OOM", "out of memory"):
            assert words not in shown

    def test_claims_nothing_that_nobody_has_seen(self, alices, looked_at):
        ProbeMinute.objects.all().delete()
        shown = alices.get(page(looked_at)).content.decode()
        assert "Nobody knows how it is at the moment" in shown
        assert "It is healthy" not in shown
        assert "Every part of it runs." not in shown

    def test_says_that_it_is_down(self, alices, watched):
        Outage.objects.create(instance=watched, began_at=NOON - timedelta(minutes=2), what="503")
        assert "It does not answer, since" in alices.get(page(watched)).content.decode()

    def test_of_one_that_nobody_has_looked_at(self, alices, stand):
        shown = alices.get(page(stand())).content.decode()
        assert "Not known" in shown
        assert "Nothing of this month is known yet" in shown
        assert "error budget is left" not in shown

    def test_is_for_its_people_alone(self, charlies, client, watched):
        assert charlies.get(page(watched)).status_code == 404
        assert client.get(page(watched)).status_code == 302

    def test_takes_the_same_queries_however_much_there_was(self, alices, watched):
        few = queries(alices, page(watched))
        for hours in range(1, 15):
            began = NOON - timedelta(hours=hours)
            Outage.objects.create(instance=watched, began_at=began, ended_at=began + timedelta(minutes=1), what="503")
        assert queries(alices, page(watched)) == few <= 16


class TestStatus:
    """While a prober holds its turn; without one nobody knows."""

    @pytest.fixture
    def probed(self):
        ledger = Ledger()
        assert ledger.take_turn()
        yield
        ledger.give_up()

    def test_everything_runs(self, client, watched, probed):
        shown = client.get("/status/").content.decode()
        assert "Everything runs" in shown
        assert "Iowa, United States" in shown
        assert "acme" not in shown.lower()

    def test_some_and_many_are_told_apart_and_not_counted(self, watched, stand, probed):
        for number in range(19):
            stand(f"other-{number}", kind="production", region="europe-west3")
        Outage.objects.create(instance=Instance.objects.get(slug="other-1"), what="503")
        assert {part.title: part.state for part in fleet_status().parts} == {
            "Iowa, United States": "well",
            "Frankfurt, Germany": "some",
        }
        Outage.objects.create(instance=Instance.objects.get(slug="other-2"), what="503")
        assert fleet_status().worst == "many"

    def test_without_a_prober_nobody_knows(self, client, watched):
        assert "It is not known how instances do" in client.get("/status/").content.decode()

    def test_instances_of_ours_are_our_business(self, stand, probed):
        Outage.objects.create(instance=stand("ours", kind="internal"), what="503")
        assert (fleet_status().parts, fleet_status().worst) == ([], "well")

    def test_crowds_ask_the_database_once(self, client, watched, probed, django_assert_num_queries):
        client.get("/status/")
        with django_assert_num_queries(0):
            client.get("/status/")


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.999, "99.90 %"), (0.5, "50.00 %"), (None, "Not known")]
)
def test_shares_are_rounded_down(share, said):
    assert percent(share) == said


def test_a_spent_budget_says_so(watched):
    UptimeDay.objects.filter(day=TODAY).update(down_seconds=3_600)
    view = view_of(reliability_of(watched))
    assert (view.left, view.left_tone, view.is_missed) == (0, "bad", True)
    assert view.left_words == "The error budget of this month is spent."
    assert view.bars[-1].tone == "bad"
