"""Alerts in the admin: seen, acknowledged, kept quiet; rules are set; what to do is at hand."""

import pytest
from django.urls import reverse

from portal.core import clock
from provisioning.health.rules import SHIPPED
from provisioning.models import Alert, AlertRule, Notice, Silence

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(trial) -> Alert:
    return Alert.objects.create(
        rule=AlertRule.objects.get(pk="instance-down"),
        subject=trial.pk,
        instance=trial,
        sentence="acme has not answered.",
        opened_at=clock.now(),
        told_at=clock.now(),
    )


def page(row, name: str = "change", *more: str) -> str:
    return reverse(f"admin:provisioning_{row._meta.model_name}_{name}", args=[row.pk, *more])


def test_what_is_open_is_listed(adas, alert):
    listed = reverse("admin:provisioning_alert_changelist")
    assert "acme has not answered." in adas.get(listed).content.decode()
    Alert.objects.update(resolved_at=clock.now())
    assert "acme has not answered." not in adas.get(listed).content.decode()
    assert "acme has not answered." in adas.get(f"{listed}?state=over").content.decode()


def test_the_first_page_counts_them(adas, alert):
    shown = adas.get(reverse("admin:index")).content.decode()
    assert "Alerts" in shown


def test_somebody_is_at_it(adas, ada, alert):
    adas.post(page(alert, "deed", "acknowledge"), {"reason": "Looking."})
    alert.refresh_from_db()
    assert alert.acknowledged_by == ada
    assert "ada@portal.example" in adas.get(page(alert)).content.decode()


@pytest.mark.parametrize(("sent", "of_one"), [({}, True), ({"whole_rule": "on"}, False)])
def test_it_is_kept_quiet(adas, alert, sent, of_one):
    adas.post(page(alert, "deed", "silence"), {"hours": 2, "reason": "Known.", **sent})
    silence = Silence.objects.get()
    assert (silence.rule, silence.instance) == (alert.rule, alert.instance if of_one else None)
    adas.post(page(silence, "deed", "end"), {"reason": "Over."})
    silence.refresh_from_db()
    assert silence.until <= clock.now()


def test_a_rule_is_set(adas):
    rule = AlertRule.objects.get(pk="leaked")
    assert "Runbook" in adas.get(page(rule)).content.decode()
    wish = {"severity": "page", "threshold": "3.5", "for_seconds": 60, "most_apart": 4, "heals_a_day": 0, "is_on": "on"}
    adas.post(page(rule, "deed", "set"), {**wish, "reason": "Too quiet."})
    rule.refresh_from_db()
    assert (rule.severity, rule.threshold, rule.is_mailed, rule.escalate_after_minutes) == ("page", 3.5, False, None)


def test_a_channel_is_tested(adas, settings):
    settings.ALERT_SLACK_URL = "http://127.0.0.1:1/"
    adas.post(reverse("admin:provisioning_notice_listdeed", args=["test"]), {"channel": "slack", "reason": "New."})
    notice = Notice.objects.get()
    assert notice.kind == "test"
    assert "nothing" in adas.get(page(notice)).content.decode()


@pytest.mark.parametrize("key", [rule["key"] for rule in SHIPPED])
def test_every_runbook_can_be_read(adas, key):
    answer = adas.get(reverse("admin:provisioning_alert_runbook", args=[key]))
    assert answer.status_code == 200
    assert '<pre class="runbook">' in answer.content.decode()


def test_what_is_no_runbook_is_not_there(adas, alices):
    assert adas.get(reverse("admin:provisioning_alert_runbook", args=["readme"])).status_code == 404
    assert alices.get(reverse("admin:provisioning_alert_runbook", args=["drifted"])).status_code == 302


def test_lists_take_the_same_queries(adas, alert, trial, django_assert_max_num_queries):
    rule = alert.rule
    for number in range(30):
        Alert.objects.create(
            rule=rule, subject=str(number), instance=trial, sentence="It is down.", opened_at=clock.now()
        )
    with django_assert_max_num_queries(16):
        adas.get(reverse("admin:provisioning_alert_changelist"))
