"""Outages, probes and error budgets, in a constant number of queries."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from provisioning.health.uptime import burn_since, open_outages, probes_since
from provisioning.models import Outage, ProbeTally

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _noon(db):
    with time_machine.travel(NOON, tick=False):
        yield


def outage(instance, since_minutes: float, until_minutes: float | None = None) -> Outage:
    """It lasted from so many minutes ago until so many minutes ago."""
    ended_at = None if until_minutes is None else NOON - timedelta(minutes=until_minutes)
    return Outage.objects.create(
        instance=instance, began_at=NOON - timedelta(minutes=since_minutes), ended_at=ended_at, what="It answers 503."
    )


def test_open_outages_are_by_instance(stand, django_assert_num_queries):
    acme, globex, initech = stand("acme"), stand("globex"), stand("initech")
    outage(acme, 60, 50)
    now = outage(acme, 5)
    outage(globex, 60, 50)
    outage(initech, 5)
    with django_assert_num_queries(1):
        assert open_outages([acme.pk, globex.pk]) == {acme.pk: now}
    assert open_outages([]) == {}


def test_probes_are_of_the_whole_hours_since(stand, django_assert_num_queries):
    acme, globex, initech = stand("acme"), stand("globex"), stand("initech")
    for hours, probes, failed in [(0, 10, 1), (1, 120, 0), (2, 120, 60)]:
        for instance in (acme, globex):
            ProbeTally.objects.create(instance=instance, hour=NOON - hours * HOUR, probes=probes, failed=failed)
    with django_assert_num_queries(1):
        assert probes_since([(acme.pk, NOON - 1.5 * HOUR), (globex.pk, NOON - 2 * HOUR), (initech.pk, NOON)]) == {
            acme.pk: (130, 1),
            globex.pk: (250, 61),
            initech.pk: (0, 0),
        }
    assert probes_since([]) == {}


class TestBurn:
    """An hour's budget is 3.6 s."""

    def test_is_how_often_the_budget_of_the_time_is_spent(self, stand, settings, django_assert_num_queries):
        settings.SLO = 0.999
        acme, globex = stand("acme"), stand("globex")
        outage(acme, 10, 10 - 36 / 60)
        with django_assert_num_queries(1):
            assert burn_since([(acme.pk, NOON - HOUR)]) == pytest.approx(10)
        assert burn_since([(acme.pk, NOON - 2 * HOUR)]) == pytest.approx(5)
        assert burn_since([(acme.pk, NOON - HOUR), (globex.pk, NOON - HOUR)]) == pytest.approx(5)
        assert burn_since([(globex.pk, NOON - HOUR)]) == 0
        settings.SLO = 0.99
        assert burn_since([(acme.pk, NOON - HOUR)]) == pytest.approx(1)

    def test_counts_what_is_not_over_and_leaves_out_what_was_before(self, stand, settings):
        settings.SLO = 0.999
        acme, globex = stand("acme"), stand("globex")
        outage(acme, 600, 0.6)
        outage(globex, 600, 500)
        assert burn_since([(acme.pk, NOON - timedelta(minutes=1.2))]) == pytest.approx(10)
        assert burn_since([(globex.pk, NOON - 2 * HOUR)]) == 0
        outage(globex, 0.6)
        assert burn_since([(globex.pk, NOON - HOUR)]) == pytest.approx(10)

    def test_takes_no_moment_for_less_than_an_hour(self, stand, settings):
        settings.SLO = 0.999
        acme = stand()
        outage(acme, 0.6, 0)
        assert burn_since([(acme.pk, NOON - timedelta(minutes=1))]) == pytest.approx(10)
        assert burn_since([]) == 0

    def test_of_an_objective_that_allows_nothing_is_none(self, stand, settings):
        settings.SLO = 1.0
        assert burn_since([(stand().pk, NOON - HOUR)]) == 0
