"""How the fleet stands to its objective, on one page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.core import clock
from provisioning.models import UptimeDay
from tests.provisioning.health.conftest import stand

__all__ = ["stand"]
pytestmark = pytest.mark.django_db


def page() -> str:
    return reverse("admin:provisioning_alert_slo")


@pytest.fixture
def days(stand):
    """Two customers; one of them has lost two hours of its month."""
    today = clock.now().date()
    for slug, lost in (("acme", 7_200), ("globex", 0)):
        instance = stand(slug, kind="production")
        UptimeDay.objects.create(instance=instance, day=today, watched_seconds=86_400, down_seconds=lost)
        UptimeDay.objects.create(instance=instance, day=today - timedelta(days=200), watched_seconds=86_400)


def test_it_says_what_was_lost_and_by_whom(adas, days):
    shown = adas.get(page()).content.decode()
    assert "95.833 %" in shown  # of both
    assert "91.666 %" in shown
    assert "120.0 min" in shown
    assert "slo-overdrawn" in shown
    assert "globex" not in shown.partition("Whose budget")[2]


def test_of_a_fleet_that_nobody_has_looked_at_nothing_is_known(adas):
    shown = adas.get(page()).content.decode()
    assert "not known" in shown
    assert "Nobody has lost anything this month." in shown


def test_it_is_for_staff(alices):
    assert alices.get(page()).status_code == 302


def test_it_takes_the_same_queries_for_all(adas, days, stand, django_assert_max_num_queries):
    today = clock.now().date()
    for number in range(20):
        instance = stand(f"other-{number}", kind="production")
        UptimeDay.objects.create(instance=instance, day=today, watched_seconds=86_400, down_seconds=60)
    with django_assert_max_num_queries(12):
        adas.get(page())
