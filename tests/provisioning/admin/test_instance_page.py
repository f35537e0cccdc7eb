"""An instance's page in the admin: everything of it in one place."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.core import clock as portal_clock
from provisioning.models import Alert, AlertRule, Instance, UptimeDay, Usage
from tests.provisioning.admin.pages import page, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(trial) -> Instance:
    Instance.objects.filter(pk=trial.pk).update(status="running", kind="production", ready_at=portal_clock.now())
    return Instance.objects.get(pk=trial.pk)


def known(instance: Instance, days: int) -> None:
    """So many days of uptime, of use and of alerts that are over."""
    today = portal_clock.now().date()
    rule = AlertRule.objects.get(pk="instance-down")
    for ago in range(days):
        day = today - timedelta(days=ago)
        UptimeDay.objects.create(instance=instance, day=day, watched_seconds=86_400, down_seconds=86 if ago == 0 else 0)
        Usage.objects.create(instance=instance, day=day, figures={"seats": 20 + ago, "active_7d": 5})
        Alert.objects.create(
            rule=rule, subject=instance.pk, instance=instance, sentence="It was down.",
            opened_at=portal_clock.now(), told_at=portal_clock.now(), resolved_at=portal_clock.now(),
        )  # fmt: skip


def test_what_was_lost_and_how_it_is_used_are_plotted(clock, adas, seen):
    known(seen, 3)
    context = adas.get(page(seen)).context
    assert [bar.tone for bar in context["lost"].bars][-4:] == ["none", "good", "good", "good"]
    assert context["lost"].bars[-1].says.endswith(": 99.900 %")
    (accounts, seats), (_, active) = context["uses"]
    assert (accounts, seats.bars[-1].says.rpartition(": ")[2], len(seats.bars)) == ("Accounts", "20", 30)
    assert [bar.height for bar in seats.bars][-3:] == sorted((bar.height for bar in seats.bars[-3:]), reverse=True)
    assert active.note == "The upper edge is 5."
    assert "Uptime without maintenance: 99.966 % this month" in text(adas, page(seen))


def test_what_nobody_has_seen_is_not_drawn_as_good(adas, seen):
    context = adas.get(page(seen)).context
    assert {bar.tone for bar in context["lost"].bars} == {"none"}
    shown = text(adas, page(seen))
    assert "not known this month" in shown
    assert "It has told nothing yet" in shown


def test_open_alerts_lead_to_their_pages(adas, seen):
    assert "Nothing is known to be wrong with it." in text(adas, page(seen))
    known(seen, 1)
    now = portal_clock.now()
    alert = Alert.objects.create(
        rule=AlertRule.objects.get(pk="instance-down"), subject=seen.pk, instance=seen, sentence="It is down.",
        opened_at=now, told_at=now,
    )  # fmt: skip
    shown = text(adas, page(seen))
    assert "It is down." in shown
    assert page(alert) in shown
    assert "It was down." not in shown


def test_costs_operations_and_audit_are_a_click_away(adas, seen):
    shown = text(adas, page(seen))
    costs = reverse("admin:billing_instancecosts_change", args=[seen.pk])
    assert costs in shown
    assert adas.get(costs).status_code == 200
    for model in ("provisioning_operation", "core_auditevent"):
        assert f"{reverse(f'admin:{model}_changelist')}?q={seen.pk}" in shown


def test_it_asks_as_much_for_a_long_life_as_for_a_short_one(adas, seen):
    counts = []
    for days in (2, 60):
        UptimeDay.objects.all().delete()
        Usage.objects.all().delete()
        Alert.objects.all().delete()
        known(seen, days)
        text(adas, page(seen))
        with CaptureQueriesContext(connection) as asked:
            text(adas, page(seen))
        counts.append(len(asked))
    assert counts[0] == counts[1]
