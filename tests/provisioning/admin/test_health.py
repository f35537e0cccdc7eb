"""How instances are, as admins see it: in the list, on the page, as a filter and on the first page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core import clock as portal_clock
from provisioning.models import Health, Instance, Outage, ProbeMinute
from tests.provisioning.admin.pages import listing, page, text

LIST = "provisioning_instance"


@pytest.fixture
def fleet_of_all(fleet, clock):
    """One instance in each state, by the state's name; `pending` is not built yet."""
    fleet(5)
    found = dict(
        zip(("healthy", "degraded", "down", "unknown", "pending"), Instance.objects.order_by("slug"), strict=False)
    )
    now = portal_clock.now()
    for state in ("healthy", "degraded", "down"):
        inside = "degraded" if state == "degraded" else "healthy"
        reason = "gitserver-0 ran out of memory." if state == "degraded" else ""
        since = now - timedelta(hours=3)
        Health.objects.create(instance=found[state], state=inside, reason=reason, since=since, checked_at=now)
        ProbeMinute.objects.create(instance=found[state], minute=now, probes=1)
    Outage.objects.create(instance=found["down"], began_at=now - timedelta(minutes=5), what="It answers 503.")
    Instance.objects.exclude(pk=found["pending"].pk).update(status="running", ready_at=now - timedelta(days=1))
    return found


@pytest.mark.parametrize("state", ["healthy", "degraded", "down", "unknown"])
def test_the_list_is_filtered_by_state(adas, fleet_of_all, state):
    shown = text(adas, listing(LIST), health=state)
    assert fleet_of_all[state].pk in shown
    assert not [other for other in fleet_of_all if other != state and fleet_of_all[other].pk in shown]


def test_the_list_says_it_with_the_reason(adas, fleet_of_all):
    shown = text(adas, listing(LIST))
    for words in ("gitserver-0 ran out of memory.", "It does not answer. It answers 503.", "healthy", "unknown"):
        assert words in shown


def test_the_page_says_why_and_since_when(adas, fleet_of_all):
    shown = text(adas, page(fleet_of_all["degraded"]))
    assert "gitserver-0 ran out of memory. Since" in shown
    assert "3 h ago" in shown


def test_the_first_page_counts_who_is_degraded(adas, fleet_of_all):
    figures = {figure.title: figure for figure in adas.get("/admin/").context["figures"]}
    degraded = figures["Degraded"]
    assert (degraded.count, degraded.is_bad) == (1, True)
    assert fleet_of_all["degraded"].pk in text(adas, degraded.link)


def test_the_filtered_list_takes_the_same_queries(adas, fleet_of_all, fleet):
    few = queries(adas, f"{listing(LIST)}?health=unknown")
    fleet(12)
    Instance.objects.update(status="running")
    assert queries(adas, f"{listing(LIST)}?health=unknown") == few


def queries(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
