"""The round: everybody has a turn, what was found is written, and what cannot be seen stops nobody."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from portal.core import clock, ids
from provisioning.health.states import State
from provisioning.models import Health, Instance
from provisioning.services.rounds import (
    SOON,
    WAKES_PER_BEAT,
    health_ask,
    health_complete,
    health_go_on,
    health_wake,
)
from provisioning.signals import operation_finished
from tests.conftest import SUSPENDED
from tests.waiting import eventually

NOW = "2026-11-24T12:00:00Z"
UNREADY = {"kind": "StatefulSet", "name": "gitserver", "behaviour": "crash_loop"}


@pytest.fixture
def noon():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def copied(instance: Instance, **columns: str) -> Instance:
    """Another instance like it, of which nothing is in the cloud."""
    copy = Instance.objects.get(pk=instance.pk)
    for name, value in columns.items():
        setattr(copy, name, value)
    copy.pk = ids.instance_id()
    copy.save(force_insert=True)
    return copy


def verdicts(row: Health) -> dict[str, str]:
    return {finding["what"]: finding["state"] for finding in row.findings}


@pytest.mark.helm
@pytest.mark.django_db(transaction=True)
class TestLook:
    """At an instance that stands in devcloud, whose end of provisioning has asked for it."""

    def look(self) -> None:
        Health.objects.update(due_at=clock.now())
        health_go_on(0.1)

    def test_writes_down_what_it_found(self, running, settings):
        assert health_go_on() == 1
        row = running.health
        assert (row.state, row.reason, row.error, row.failures) == (State.HEALTHY, "", "", 0)
        assert verdicts(row) == {
            "pods": "well",
            "disk": "well",
            "database": "well",
            "certificate": "skipped",
            "standby": "skipped",
        }
        assert row.checked_at is not None
        assert row.due_at
        assert abs(row.due_at - row.checked_at - timedelta(seconds=settings.HEALTH_SECONDS)) < timedelta(seconds=1)
        assert health_go_on() == 0

    @pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
    def test_of_a_brought_cluster_leaves_out_what_is_google_s(self, running):
        health_go_on()
        assert verdicts(running.health) == {
            "pods": "well",
            "disk": "skipped",
            "database": "skipped",
            "certificate": "skipped",
            "standby": "skipped",
        }

    def test_says_since_when_it_is_degraded_and_why(self, running, devcloud):
        self.look()
        devcloud.control("POST", "kubernetes/behaviour", UNREADY)
        self.look()
        row = Health.objects.get()
        assert (row.state, row.since == row.checked_at) == (State.DEGRADED, True)
        assert row.reason == "gitserver-0 restarted 5 times within the hour: CrashLoopBackOff."
        self.look()
        assert Health.objects.get().since == row.since

    def test_that_fails_in_part_keeps_the_word_and_comes_again_soon(self, running, devcloud):
        devcloud.control("POST", "kubernetes/behaviour", UNREADY)
        self.look()
        before = Health.objects.get()
        devcloud.control("POST", "faults", {"service": "kubernetes", "method": "*", "effect": "reset"})
        self.look()
        row = Health.objects.get()
        assert (row.state, row.reason, row.since) == (State.DEGRADED, before.reason, before.since)
        assert (row.checked_at, row.failures) == (before.checked_at, 1)
        assert verdicts(row) == {
            "pods": "unknown",
            "disk": "well",
            "database": "well",
            "certificate": "skipped",
            "standby": "skipped",
        }
        assert row.error.startswith("pods: ")
        assert row.due_at
        assert row.due_at - clock.now() <= SOON

    def test_of_one_that_cannot_be_seen_stops_no_other(self, running):
        Health.objects.all().delete()
        stranger = copied(running, slug="stranger", domain="stranger.example")
        health_ask(Instance.objects.all())
        assert health_go_on(10) == 2
        assert running.health.state == State.HEALTHY
        assert (stranger.health.state, stranger.health.failures, stranger.health.checked_at) == ("unknown", 1, None)
        assert stranger.health.findings[0]["sentence"].startswith("It could not be looked at: ")

    def test_is_worth_nothing_once_another_has_the_turn(self, running, devcloud):
        """A look that began before the newest turn finds its row taken, and writes nothing."""
        hang = {"service": "monitoring", "method": "*", "effect": "timeout", "seconds": 2}
        devcloud.control("POST", "faults", hang)
        looking = threading.Thread(target=self.look_apart)
        looking.start()
        eventually(lambda: Health.objects.get().turn > 0)
        Health.objects.update(turn=F("turn") + 1)
        looking.join()
        assert Health.objects.get().checked_at is None

    def look_apart(self) -> None:
        health_go_on(0.1)
        connection.close()

    def test_takes_the_same_statements_however_much_it_finds(self, running, devcloud, django_assert_num_queries):
        with CaptureQueriesContext(connection) as few:
            self.look()
        devcloud.control("POST", "kubernetes/behaviour", {**UNREADY, "name": "*"})
        with django_assert_num_queries(len(few)):
            self.look()


@pytest.mark.django_db
class TestTurns:
    def test_each_has_one_of_its_own_within_a_round(self, stand, noon, settings, django_assert_num_queries):
        for number in range(40):
            stand(f"s{number}")
        stand("asleep", **SUSPENDED)
        with django_assert_num_queries(1):
            health_complete()
        due = {at for at in Health.objects.values_list("due_at", flat=True) if at}
        assert (Health.objects.count(), len(due) > 30) == (40, True)
        assert all(timedelta(0) <= at - clock.now() < timedelta(seconds=settings.HEALTH_SECONDS) for at in due)

    def test_stay_as_they_are_when_all_have_one(self, stand, noon):
        stand()
        health_complete()
        [before] = Health.objects.values_list("due_at")
        noon.shift(3_600)
        health_complete()
        assert list(Health.objects.values_list("due_at")) == [before]

    def test_end_with_what_is_suspended_and_begin_with_its_end(self, stand, operate):
        asleep = stand(**SUSPENDED)
        health_ask(Instance.objects.all())
        health_go_on()
        assert (asleep.health.due_at, asleep.health.state) == (None, State.UNKNOWN)
        operation = operate(asleep, "resume", status="succeeded")
        operation_finished.send(sender=type(operation), operation=operation)
        asleep.health.refresh_from_db()
        assert asleep.health.due_at is None
        Instance.objects.update(status="running", suspended_because="", suspended_at=None)
        operation_finished.send(sender=type(operation), operation=operation)
        asleep.health.refresh_from_db()
        assert asleep.health.due_at is not None

    def test_call_no_more_workers_than_so_many(self, stand, monkeypatch):
        sent: list[str] = []
        monkeypatch.setattr("celery.app.base.Celery.send_task", lambda _app, name, **_options: sent.append(name))
        assert health_wake() == 0
        for number in range(WAKES_PER_BEAT + 2):
            stand(f"s{number}")
        health_ask(Instance.objects.all())
        assert health_wake() == WAKES_PER_BEAT == len(sent)
