"""Alerts open, are told once, together where there are many, escalate, heal, and are over; and say so."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent, Mail
from provisioning.health.measures import measures
from provisioning.health.rules import SHIPPED, rules_ensure
from provisioning.models import Alert, AlertRule, Instance, Leak, Notice, Operation, Outage, Silence
from provisioning.services.alerts import (
    CALM,
    alert_acknowledge,
    alert_rule_set,
    alerts_look,
    silence_begin,
    silence_end,
)
from tests.provisioning.health.conftest import operate, stand

__all__ = ["operate", "stand"]
pytestmark = pytest.mark.django_db
NOW = "2026-11-24T12:00:00Z"


@pytest.fixture(autouse=True)
def time(settings):
    settings.ALERT_SLACK_URL = "http://slack.invalid/hook"
    AlertRule.objects.exclude(pk="instance-down").update(is_on=False)
    AlertRule.objects.update(heals_a_day=0)
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def down(stand, time, ada):
    """An instance that does not answer; the next look finds it."""
    instance = stand("acme")
    outage(instance)
    time.shift(61)
    return instance


def outage(instance: Instance) -> Outage:
    return Outage.objects.create(instance=instance, what="It answers 503.")


def later(time, **span) -> None:
    """After so much time, it is looked again."""
    time.shift(timedelta(**span))
    alerts_look()


def told(kind: str = "opened") -> list[list[str]]:
    """What was said on the channel, by notice."""
    notices = Notice.objects.filter(kind=kind).order_by("pk")
    return [sorted(alert.sentence.split()[0] for alert in notice.alerts.all()) for notice in notices]


def test_it_opens_once_its_cause_has_lasted(stand, time):
    outage(stand("acme"))
    alerts_look()
    assert not Alert.objects.exists()
    later(time, seconds=61)
    alert = Alert.objects.get()
    assert (str(alert.instance), alert.opened_at is not None) == ("acme", True)
    assert alert.sentence == "acme has not answered since 12:00 UTC. It answers 503."


def test_a_rule_may_want_it_to_last_longer(down, time):
    AlertRule.objects.update(for_seconds=300)
    alerts_look()
    assert (Alert.objects.get().opened_at, told()) == (None, [])
    later(time, seconds=300)
    assert told() == [["acme"]]


def test_what_went_away_before_that_leaves_nothing_behind(down, time):
    AlertRule.objects.update(for_seconds=300)
    alerts_look()
    Outage.objects.all().delete()
    later(time, minutes=2)
    assert (Alert.objects.count(), told()) == (0, [])


def test_it_is_told_once_however_often_it_is_seen(down, time, ada):
    for _ in range(5):
        later(time, seconds=30)
    assert told() == [["acme"]]
    [mail] = Mail.objects.filter(kind="alert")
    assert mail.recipient == ada.email
    assert mail.context["runbook"].endswith("/runbooks/instance-down/")


def test_it_is_over_when_its_cause_has_been_away_for_a_while(down, time):
    alerts_look()
    Outage.objects.update(ended_at="2026-11-24T12:01:30Z")
    later(time, seconds=60)
    assert Alert.objects.get().resolved_at is None
    later(time, seconds=CALM.total_seconds())
    assert Alert.objects.get().resolved_at is not None
    assert told("resolved") == [["acme"]]


def test_what_flickers_is_one_alert(down, time):
    alerts_look()
    for _ in range(5):
        Outage.objects.all().delete()
        later(time, seconds=60)
        outage(down)
        Outage.objects.update(began_at="2026-11-24T12:00:00Z")
        later(time, seconds=30)
    assert (Alert.objects.count(), told(), told("resolved")) == (1, [["acme"]], [])


def test_what_comes_back_later_is_another(down, time):
    alerts_look()
    Outage.objects.all().delete()
    later(time, minutes=3)
    outage(down)
    later(time, minutes=2)
    assert (Alert.objects.count(), told()) == (2, [["acme"], ["acme"]])


class TestMany:
    @pytest.fixture
    def all_down(self, stand, time):
        for number in range(8):
            outage(stand(f"one-{number}"))
        time.shift(61)

    def test_at_once_are_told_of_together(self, all_down):
        alerts_look()
        assert [len(names) for names in told()] == [8]
        assert Alert.objects.values("incident").distinct().count() == 1

    def test_are_over_when_all_are(self, all_down, time):
        alerts_look()
        Outage.objects.exclude(instance__slug="one-0").delete()
        later(time, minutes=3)
        assert told("resolved") == []
        Outage.objects.all().delete()
        later(time, minutes=3)
        assert [len(names) for names in told("resolved")] == [8]

    def test_take_the_same_queries(self, all_down, stand, time, django_assert_max_num_queries):
        alerts_look()
        with django_assert_max_num_queries(40):
            later(time, seconds=30)

    def test_up_to_what_the_rule_says_are_told_one_by_one(self, all_down):
        AlertRule.objects.update(most_apart=8)
        alerts_look()
        assert [len(names) for names in told()] == [1] * 8


class TestQuiet:
    def begin(self, ada, *, rule=None, instance=None, hours=1) -> Silence:

        until = clock.now() + timedelta(hours=hours)
        return silence_begin(rule=rule, instance=instance, until=until, reason="Known.", actor=Actor(ada, ada.email))

    @pytest.mark.parametrize("of", ["rule", "instance", "both"])
    def test_is_told_to_nobody(self, down, ada, of):
        rule = AlertRule.objects.get(pk="instance-down") if of != "instance" else None
        self.begin(ada, rule=rule, instance=down if of != "rule" else None)
        alerts_look()
        assert (Alert.objects.get().told_at, told()) == (None, [])
        assert AuditEvent.objects.get(action="silence.begin").reason == "Known."

    def test_others_are_told_all_the_same(self, down, stand, ada, time):
        self.begin(ada, instance=stand("other"))
        alerts_look()
        assert told() == [["acme"]]

    def test_what_is_still_there_at_the_end_is_told_then(self, down, ada, time):
        self.begin(ada, instance=down)
        alerts_look()
        later(time, hours=2)
        assert told() == [["acme"]]

    def test_may_be_ended_before(self, down, ada, time, by_ada):
        silence = self.begin(ada, instance=down)
        alerts_look()
        silence_end(silence=silence, actor=by_ada)
        later(time, seconds=30)
        assert told() == [["acme"]]
        with pytest.raises(Conflict, match="has ended already"):
            silence_end(silence=silence, actor=by_ada)

    def test_wants_a_reason_an_end_and_an_object(self, down, ada, by_ada, time):

        for wrong in ({"reason": " "}, {"until": clock.now()}, {"instance": None}):
            usual = {"rule": None, "instance": down, "until": clock.now() + timedelta(hours=1), "reason": "Known."}
            with pytest.raises(Invalid):
                silence_begin(**{**usual, **wrong}, actor=by_ada)


class TestNobodyAnswers:
    def test_more_people_are_told_once(self, down, time, settings):
        settings.ALERT_ESCALATE_EMAILS = ["boss@portal.example"]
        alerts_look()
        later(time, minutes=14)
        assert told("escalated") == []
        later(time, minutes=2)
        later(time, minutes=20)
        assert told("escalated") == [["acme"]]
        assert Mail.objects.filter(kind="alert", recipient="boss@portal.example").count() == 1

    def test_who_acknowledges_is_at_it(self, down, time, by_ada):
        alerts_look()
        alert_acknowledge(alert=Alert.objects.get(), actor=by_ada)
        later(time, hours=1)
        assert told("escalated") == []
        with pytest.raises(Conflict, match="is at it already"):
            alert_acknowledge(alert=Alert.objects.get(), actor=by_ada)

    def test_what_is_over_needs_nobody(self, down, time, by_ada):
        alerts_look()
        Outage.objects.all().delete()
        later(time, minutes=3)
        with pytest.raises(Conflict, match="over already"):
            alert_acknowledge(alert=Alert.objects.get(), actor=by_ada)


class TestHealing:
    @pytest.fixture
    def heals(self):
        AlertRule.objects.filter(pk="instance-down").update(heals_a_day=2)

    def test_begins_a_repair_once_for_each_alert(self, down, heals, time):
        later(time, seconds=30)
        later(time, seconds=30)
        operation = Operation.objects.get(kind="repair")
        assert (operation.instance, operation.requested_by) == (down, None)
        assert Alert.objects.get().healed_at is not None
        assert AuditEvent.objects.filter(action="operation.request", actor_label="self-healing").count() == 1

    def test_leaves_alone_what_is_being_changed_and_tries_again(self, down, heals, operate, time):
        change = operate(down)
        alerts_look()
        assert not Operation.objects.filter(kind="repair").exists()
        Operation.objects.filter(pk=change.pk).update(status="succeeded")
        later(time, seconds=30)
        assert Operation.objects.filter(kind="repair").count() == 1

    def test_ends_after_so_many_a_day(self, down, heals, operate, time):
        for _ in range(2):
            operate(down, "repair", status="succeeded")
        alerts_look()
        assert Operation.objects.filter(kind="repair").count() == 2
        later(time, hours=25)
        assert Operation.objects.filter(kind="repair").count() == 3

    def test_does_not_count_what_a_person_has_begun(self, down, heals, operate, ada):
        for _ in range(2):
            operate(down, "repair", status="succeeded", requested_by=ada)
        alerts_look()
        assert Operation.objects.filter(kind="repair").count() == 3


class TestRules:
    def test_every_shipped_one_measures_something_and_has_a_runbook(self, settings):

        keys = {rule["key"] for rule in SHIPPED}
        assert keys == set(AlertRule.objects.values_list("pk", flat=True)) == set(measures())
        written = {file.stem for file in Path(settings.BASE_DIR, "docs", "runbooks").glob("*.md")}
        assert keys <= written

    def test_what_admins_have_set_stays(self, by_ada):
        rule = AlertRule.objects.get(pk="leaked")
        alert_rule_set(rule=rule, actor=by_ada, reason="Too loud.", threshold=5.0)
        AlertRule.objects.filter(pk="leaked").update(title="Old")
        AlertRule.objects.filter(pk="drifted").delete()
        rules_ensure()
        rule.refresh_from_db()
        assert (rule.threshold, rule.title) == (5.0, "So many leaks are open")
        assert AlertRule.objects.filter(pk="drifted").exists()
        assert AuditEvent.objects.get(action="alertrule.set").details == {"threshold": [1.0, 5.0]}

    def test_one_that_is_off_ends_what_it_had_found(self, down, time):
        alerts_look()
        AlertRule.objects.update(is_on=False)
        later(time, seconds=30)
        assert Alert.objects.get().resolved_at is not None

    def test_one_that_cannot_be_measured_ends_nothing_and_stops_no_other(self, down, time, caplog):
        AlertRule.objects.filter(pk="leaked").update(is_on=True)
        Leak.objects.create(kind="orphan", resource="//bucket", source="buckets")
        alerts_look()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE provisioning_leak")
        later(time, minutes=5)
        assert "a rule could not be measured" in caplog.text
        assert set(Alert.objects.values_list("rule", "resolved_at")) == {("instance-down", None), ("leaked", None)}
