"""A trial is asked for: it starts where there is room, else its organization has a place on the waiting list."""

import threading
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, connection, transaction

from billing.models import TrialRequest
from billing.selectors.trials import Waiting
from billing.services.trials import trial_allow
from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from portal.core.mail import send_due
from portal.core.models import AuditEvent, Mail, Organization
from provisioning.models import Instance, Size
from tests.billing.waiting import ask, caps, position, queue, wait

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
DAY = timedelta(days=1)


class TestAsking:
    def test_starts_the_trial_where_there_is_room(self, acme, by_alice):
        asked = ask(acme, by_alice)
        assert isinstance(asked, Instance)
        assert (asked.kind, asked.status, asked.operations.get().kind) == ("trial", "pending", "provision")
        assert not TrialRequest.objects.exists()

    def test_beyond_the_cap_puts_on_the_list(self, acme, by_alice, globex, by_charlie):
        caps(most_running=1)
        assert isinstance(ask(acme, by_alice), Instance)
        asked = ask(globex, by_charlie, region="europe-west3")
        assert isinstance(asked, Waiting)
        assert (asked.position, asked.request.slug, asked.request.region) == (1, "globex", "europe-west3")
        assert Instance.objects.count() == 1
        event = AuditEvent.objects.get(action="trial.wait")
        assert (event.actor_label, event.organization_id) == (by_charlie.label, globex.pk)

    def test_beyond_the_money_puts_on_the_list(self, acme, by_alice, globex, by_charlie):
        Size.objects.filter(pk="xs").update(infrastructure_cents=30_000)
        caps(most_cents_a_month=59_999)
        assert isinstance(ask(acme, by_alice), Instance)
        assert isinstance(ask(globex, by_charlie), Waiting)

    def test_while_closed_puts_on_the_list(self, acme, by_alice):
        caps(is_open=False)
        assert isinstance(ask(acme, by_alice), Waiting)

    def test_never_overtakes_who_waits(self, acme, by_alice):
        queue(2)
        caps(is_open=True, most_running=2)
        asked = ask(acme, by_alice)
        assert isinstance(asked, Waiting)
        assert asked.position == 3

    def test_says_by_mail_that_one_waits(self, acme, by_alice, alice):
        wait(acme, by_alice)
        send_due()
        [letter] = outbox.outbox
        assert (letter.to, letter.subject) == ([alice.email], "You are on the waiting list for your trial")
        assert "Acme is number 1 on the waiting list" in str(letter.body)

    def test_twice_keeps_the_place_and_says_nothing_new(self, acme, by_alice, globex, by_charlie):
        wait(acme, by_alice)
        wait(globex, by_charlie)
        wait(acme, by_alice)
        assert (position(acme), position(globex), Mail.objects.count()) == (1, 2, 2)
        assert not AuditEvent.objects.filter(action="trial.wish").exists()

    def test_again_changes_the_wish_and_keeps_the_place(self, acme, by_alice, globex, by_charlie):
        wait(acme, by_alice)
        wait(globex, by_charlie)
        wait(acme, by_alice, "other")
        request = TrialRequest.objects.get(organization=acme)
        assert (request.slug, position(acme)) == ("other", 1)
        assert AuditEvent.objects.get(action="trial.wish").details == {"slug": "other", "region": "us-central1"}

    @pytest.mark.parametrize(("slug", "region", "field"), [("www", "us-central1", "slug"), ("ok-ok", "mars", "region")])
    def test_for_what_cannot_be_had_is_refused_before_the_list(self, acme, by_alice, slug, region, field):
        caps(is_open=False)
        with pytest.raises(Invalid) as refused:
            ask(acme, by_alice, slug, region)
        assert refused.value.field == field
        assert not TrialRequest.objects.exists()

    def test_after_its_trial_is_refused(self, acme, by_alice):
        ask(acme, by_alice)
        with pytest.raises(Conflict, match="has had its trial"):
            ask(acme, by_alice, "acme-two")

    def test_after_a_colleagues_trial_is_refused(self, acme, by_alice, globex, by_charlie):
        ask(acme, by_alice)
        Instance.objects.update(status="running", ready_at=clock.now())
        globex.email_domain = "eu.acme.example"
        globex.save()
        with pytest.raises(Conflict, match=r"Somebody at eu\.acme\.example has had a trial already"):
            ask(globex, by_charlie)

    def test_with_an_allowance_starts_one_more(self, acme, by_alice, by_sam, noon):
        ask(acme, by_alice)
        Instance.objects.update(status="deleted", ready_at=clock.now(), deleted_at=clock.now())
        noon.shift(DAY)
        trial_allow(organization=acme, actor=by_sam, reason="Another team.")
        noon.shift(DAY)
        assert isinstance(ask(acme, by_alice, "acme-two"), Instance)
        with pytest.raises(Conflict, match="has had its trial"):
            ask(acme, by_alice, "acme-three")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_the_last_place_one_waits(acme, by_alice, globex, by_charlie):
    caps(most_running=1)
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def click(organization: Organization, actor: Actor) -> None:
        try:
            barrier.wait()
            outcomes.append(type(ask(organization, actor)).__name__)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click, args=who) for who in ((acme, by_alice), (globex, by_charlie))]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(outcomes) == ["Instance", "Waiting"]
    assert (Instance.objects.count(), TrialRequest.objects.count()) == (1, 1)


class TestTheDatabase:
    @pytest.mark.parametrize(
        "fields",
        [
            {"state": "lost", "decided_at": "2026-11-24T12:00:00Z"},
            {"decided_at": "2026-11-24T12:00:00Z"},
            {"state": "withdrawn"},
            {"state": "started", "decided_at": "2026-11-24T12:00:00Z"},
        ],
    )
    def test_refuses_a_state_that_cannot_be(self, acme, alice, fields):
        row = {"organization": acme, "slug": "acme", "region": "us-central1", "requested_by": alice}
        with pytest.raises(IntegrityError), transaction.atomic():
            TrialRequest.objects.create(**row | fields)

    def test_has_one_place_for_each(self, acme, alice):
        row = {"organization": acme, "slug": "acme", "region": "us-central1", "requested_by": alice}
        TrialRequest.objects.create(**row)
        with pytest.raises(IntegrityError), transaction.atomic():
            TrialRequest.objects.create(**row)
