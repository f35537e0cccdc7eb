"""Who waits for a trial has one in their turn, may withdraw, and nobody stands in another's way."""

import threading
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import connection

from billing.models import TrialRequest
from billing.selectors.trials import Waiting, waiting_of
from billing.services.waiting_list import (
    trial_withdraw,
    waiting_list_drain,
)
from billing.tasks import drain_waiting_list
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict
from portal.core.mail import send_due
from portal.core.models import AuditEvent, Mail, Membership, Role
from provisioning.models import Instance, Operation, Release
from provisioning.services import trial_start
from provisioning.signals import operation_finished
from tests.billing.waiting import ask, caps, drain, newcomer, position, queue, states, wait

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
DAY = timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_start_each_once():
    queue(4)
    caps(is_open=True, most_running=3)
    counts: list[int] = []

    def work() -> None:
        try:
            counts.append(waiting_list_drain())
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert (sum(counts), Instance.objects.count(), states().count("started")) == (3, 3, 3)


class TestTheList:
    def test_is_drained_in_order_as_far_as_there_is_room(self):
        *_, third = queue(3)
        assert drain(most_running=2) == 2
        assert states() == ["started", "started", "waiting"]
        assert position(third.organization) == 1

    def test_starts_it_in_the_name_of_who_asked(self, acme, by_alice, alice):
        wait(acme, by_alice)
        drain()
        instance = TrialRequest.objects.get().instance
        assert instance
        assert (instance.slug, instance.admin_email, instance.created_by) == ("acme", alice.email, alice)
        event = AuditEvent.objects.get(action="trial.start")
        assert (event.actor_label, event.details) == ("waiting list", {"instance": instance.pk})

    def test_counts_the_days_from_the_start(self, acme, by_alice, noon):
        wait(acme, by_alice)
        noon.shift(10 * DAY)
        drain()
        assert Instance.objects.get().trial_ends_at == clock.now() + 30 * DAY

    def test_starts_nobody_while_trials_are_closed(self, acme, by_alice):
        wait(acme, by_alice)
        assert waiting_list_drain() == 0
        assert states() == ["waiting"]

    def test_tells_whose_name_is_gone_and_keeps_their_place(self, acme, by_alice, alice, globex, by_charlie):
        wait(acme, by_alice)
        wait(globex, by_charlie)
        taker, by_taker = newcomer("taker")
        trial_start(organization=taker, slug="acme", region="us-central1", actor=by_taker)
        assert drain() == 1
        request = TrialRequest.objects.get(organization=acme)
        assert (request.state, request.note, position(acme)) == ("waiting", "“acme” is taken. Try another name.", 1)
        assert drain() == 0
        assert Mail.objects.get(kind="trial-name-taken").recipient == alice.email

    def test_goes_on_with_who_has_chosen_another_name(self, acme, by_alice):
        wait(acme, by_alice)
        TrialRequest.objects.update(note="“acme” is taken. Try another name.")
        assert drain() == 0
        assert isinstance(ask(acme, by_alice, "acme-two"), Waiting)
        assert drain() == 1
        assert Instance.objects.get().slug == "acme-two"

    def test_without_a_name_stands_in_nobodys_way(self, acme, by_alice, globex, by_charlie):
        wait(acme, by_alice)
        TrialRequest.objects.update(note="“acme” is taken. Try another name.")
        caps(is_open=True, most_running=1)
        assert isinstance(ask(globex, by_charlie), Instance)

    def test_refuses_whose_colleague_was_faster_and_tells_them(self, acme, by_alice, globex, by_charlie, charlie):
        globex.email_domain = "acme.example"
        globex.save()
        wait(globex, by_charlie)
        trial_start(organization=acme, slug="acme", region="us-central1", actor=by_alice)
        Instance.objects.update(status="running", ready_at=clock.now())
        assert drain() == 0
        request = TrialRequest.objects.get()
        assert (request.state, request.decided_by) == ("refused", None)
        send_due()
        assert outbox.outbox[-1].to == [charlie.email]
        assert "Somebody at acme.example has had a trial already" in str(outbox.outbox[-1].body)

    def test_one_that_cannot_start_stops_no_other(self, acme, by_alice, globex, by_charlie):
        wait(acme, by_alice)
        wait(globex, by_charlie)
        Membership.objects.filter(organization=acme).delete()
        assert drain() == 1
        assert states() == ["refused", "started"]

    def test_stays_as_it_is_while_we_have_nothing_to_install(self, acme, by_alice):
        wait(acme, by_alice)
        Release.objects.update(status="draft")
        assert drain() == 0
        assert (states(), Mail.objects.filter(kind="trial-refused").count()) == (["waiting"], 0)
        Release.objects.update(status="published")
        assert drain() == 1

    def test_starts_it_for_an_owner_where_who_asked_has_left(self, acme, by_alice, alice, bob):
        Membership.objects.filter(user=bob).update(role=Role.ADMIN)
        wait(acme, Actor(bob, bob.email))
        bob.memberships.all().delete()
        drain()
        assert Instance.objects.get().admin_email == alice.email


class TestWithdrawing:
    def test_gives_the_place_up(self, acme, by_alice, globex, by_charlie, alice):
        request = wait(acme, by_alice)
        wait(globex, by_charlie)
        trial_withdraw(request=request, actor=by_alice)
        request.refresh_from_db()
        assert (request.state, request.decided_by) == ("withdrawn", alice)
        assert (waiting_of(acme), position(globex)) == (None, 1)
        assert AuditEvent.objects.get(action="trial.withdraw").actor == alice

    def test_asks_anew_from_the_end(self, acme, by_alice, globex, by_charlie):
        trial_withdraw(request=wait(acme, by_alice), actor=by_alice)
        wait(globex, by_charlie)
        wait(acme, by_alice)
        assert position(acme) == 2

    def test_is_too_late_once_it_has_started(self, acme, by_alice):
        request = wait(acme, by_alice)
        drain()
        with pytest.raises(Conflict, match="is started"):
            trial_withdraw(request=request, actor=by_alice)


class TestRoom:
    def asked_for(self, capture, kind: str, trial: Instance) -> int:
        """How many calls to workers follow the end of such an operation."""
        ended = Operation(instance=trial, kind=kind, status="succeeded")
        with capture() as calls:
            operation_finished.send(sender=Operation, operation=ended)
        return len(calls)

    @pytest.mark.parametrize(("kind", "more"), [("suspend", 1), ("teardown", 2)])  # a deletion is mailed, too
    def test_that_a_trial_leaves_is_given_to_the_next_at_once(
        self, trial, django_capture_on_commit_callbacks, kind, more
    ):
        usual = self.asked_for(django_capture_on_commit_callbacks, "upgrade", trial)
        assert self.asked_for(django_capture_on_commit_callbacks, kind, trial) == usual + more

    def test_is_given_by_the_beat_too(self, acme, by_alice):
        wait(acme, by_alice)
        caps(is_open=True)
        drain_waiting_list()
        assert states() == ["started"]
