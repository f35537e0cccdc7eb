"""Who may look into an instance: nobody, unless they ask and the customer, or in need a second of us, agrees."""

from datetime import timedelta

import pytest
from django.core import mail as outbox

from portal.core import clock as portal_clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.mail import send_due
from portal.core.models import AuditEvent, Mail, Membership, Role
from provisioning.fleet.access import is_asked, is_open, state_at, token_seconds
from provisioning.models import Access, Cluster, Instance
from provisioning.services.access import (
    access_break_glass,
    access_end,
    access_grant,
    access_refuse,
    access_withdraw,
    accesses_settle,
)
from tests.conftest import member, person
from tests.provisioning.services.asking import WISH, asked

HOUR = timedelta(hours=1)


@pytest.fixture
def by_grace(db) -> Actor:
    """A second one of our staff."""
    grace = person("grace@portal.example", name="Grace Glass", is_staff=True)
    return Actor(grace, grace.email)


@pytest.fixture
def access(trial, by_ada, clock) -> Access:
    """Ada has asked."""
    return asked(trial, by_ada)


def by(user) -> Actor:
    return Actor(user, user.email)


def told(action: str) -> AuditEvent:
    return AuditEvent.objects.get(action=f"access.{action}")


def recipients(kind: str) -> list[str]:
    return sorted(Mail.objects.filter(kind=kind).values_list("recipient", flat=True))


class TestAsking:
    def test_tells_who_decides_and_nobody_else(self, acme, alice, bob, charlie, trial, by_ada):
        member(acme, "amy@acme.example", Role.ADMIN, "Amy")
        member(acme, "bill@acme.example", Role.BILLING, "Bill")
        access = asked(trial, by_ada)
        assert (access.state, access.asked_by, access.minutes) == ("asked", by_ada.user, 60)
        assert recipients("access-asked") == ["alice@acme.example", "amy@acme.example"]

    def test_is_in_the_customers_audit(self, access, ada, acme, trial):
        event = told("ask")
        assert (event.actor, event.organization_id, event.reason) == (ada, acme.pk, WISH["reason"])
        assert event.details == {"instance": trial.pk, "asked_by": ada.email, "ticket": "SUP-7", "minutes": 60}

    def test_the_mail_says_who_and_why_and_leads_to_the_page(self, access, trial):
        send_due()
        [letter] = outbox.outbox
        assert letter.subject == "May we look into acme?"
        for words in ("ada@portal.example", "Search is slow.", "SUP-7", "60 minutes", f"/instances/{trial.pk}/access/"):
            assert words in letter.body

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"reason": " "}, "reason"),
            ({"ticket": ""}, "ticket"),
            ({"minutes": 4}, "minutes"),
            ({"minutes": 241}, "minutes"),
        ],
    )
    def test_wants_a_reason_a_ticket_and_few_minutes(self, trial, by_ada, wrong, field):
        with pytest.raises(Invalid) as refused:
            asked(trial, by_ada, **wrong)
        assert refused.value.field == field
        assert not Access.objects.exists()

    def test_is_for_staff_alone(self, trial, by_sam, by_alice, by_grace):
        by_grace.user.is_active = False
        for actor in (by_sam, by_alice, by_grace, Actor(None, "engine")):
            with pytest.raises(Forbidden):
                asked(trial, actor)

    def test_is_once_for_each_person(self, access, trial, by_ada, by_grace):
        with pytest.raises(Conflict, match="already"):
            asked(trial, by_ada)
        asked(trial, by_grace)

    def test_a_brought_cluster_is_theirs(self, trial, acme, alice, by_ada):
        cluster = Cluster.objects.create(
            name="b", organization=acme, server="https://b.example", kubeconfig_encrypted=b"", created_by=alice
        )
        Instance.objects.update(tenancy="byok", cluster=cluster)
        trial.refresh_from_db()
        with pytest.raises(Invalid, match="ask them to show you"):
            asked(trial, by_ada)

    def test_nothing_is_asked_of_a_deleted_one(self, trial, by_ada):
        trial.status = "deleted"
        with pytest.raises(Conflict, match="deleted"):
            asked(trial, by_ada)


class TestTheCustomer:
    def test_agrees_and_the_time_runs_from_then(self, access, by_alice, clock):
        clock.shift(5 * HOUR)
        granted = access_grant(access=access, actor=by_alice, reason="Go on.")
        assert (granted.state, granted.decided_by, granted.is_break_glass) == ("granted", by_alice.user, False)
        assert granted.ends_at == portal_clock.now() + HOUR
        assert told("grant").reason == "Go on."
        assert recipients("access-decided") == ["ada@portal.example"]
        assert recipients("access-opened") == []

    def test_refuses(self, access, by_alice):
        assert access_refuse(access=access, actor=by_alice).state == "refused"
        assert told("refuse").actor == by_alice.user
        send_due()
        assert outbox.outbox[-1].subject == "You may not look into acme"

    def test_answers_once(self, access, by_alice):
        access_refuse(access=access, actor=by_alice)
        for again in (access_grant, access_refuse, access_withdraw):
            actor = by_alice if again is not access_withdraw else Actor(access.asked_by, "ada")
            with pytest.raises(Conflict):
                again(access=access, actor=actor)

    @pytest.mark.parametrize("deed", [access_grant, access_refuse])
    def test_is_an_owner_or_an_admin_of_theirs(self, access, bob, charlie, by_sam, by_grace, by_ada, deed):
        for actor in (by(bob), by(charlie), by_sam, by_grace, by_ada, Actor(None, "engine")):
            with pytest.raises(Forbidden):
                deed(access=access, actor=actor)
        access.refresh_from_db()
        assert access.state == "asked"

    def test_does_not_agree_to_what_they_have_asked_for_themselves(self, access, acme, ada, by_ada):
        Membership.objects.create(organization=acme, user=ada, role=Role.OWNER)
        with pytest.raises(Forbidden, match="themselves"):
            access_grant(access=access, actor=by_ada)

    def test_ends_it_at_once(self, access, by_alice, clock):
        access_grant(access=access, actor=by_alice)
        ended = access_end(access=access, actor=by_alice, reason="Enough.")
        assert (ended.state, ended.ended_by, ended.ended_at) == ("ended", by_alice.user, portal_clock.now())
        assert told("end").reason == "Enough."
        with pytest.raises(Conflict, match="ended already"):
            access_end(access=access, actor=by_alice)

    def test_strangers_end_nothing(self, access, by_alice, charlie, bob, by_sam):
        access_grant(access=access, actor=by_alice)
        for actor in (by(charlie), by(bob), by_sam):
            with pytest.raises(Forbidden):
                access_end(access=access, actor=actor)

    def test_of_a_deleted_instance_agrees_to_nothing(self, access, by_alice):
        Instance.objects.update(status="deleted")
        with pytest.raises(Conflict, match="deleted"):
            access_grant(access=access, actor=by_alice)


class TestOurs:
    def test_withdraw(self, access, by_ada):
        row = access_withdraw(access=access, actor=by_ada)
        assert (row.state, row.decided_by) == ("withdrawn", None)
        assert told("withdraw").actor == by_ada.user

    def test_end_what_they_have_opened(self, access, by_alice, by_ada):
        access_grant(access=access, actor=by_alice)
        assert access_end(access=access, actor=by_ada).ended_by == by_ada.user

    def test_a_second_one_breaks_the_glass_and_the_customer_knows_at_once(self, access, by_grace, acme):
        row = access_break_glass(access=access, actor=by_grace, reason="They are down.")
        assert (row.state, row.is_break_glass, row.decided_by) == ("granted", True, by_grace.user)
        assert (told("break-glass").reason, told("break-glass").organization_id) == ("They are down.", acme.pk)
        assert recipients("access-opened") == ["alice@acme.example"]
        send_due()
        [letter] = [one for one in outbox.outbox if "without your answer" in one.subject]
        for words in ("ada@portal.example", "grace@portal.example", "They are down.", "Search is slow."):
            assert words in letter.body

    def test_nobody_breaks_it_alone_or_without_a_reason(self, access, by_ada, by_grace, by_alice, by_sam):
        for actor in (by_ada, by_alice, by_sam):
            with pytest.raises(Forbidden):
                access_break_glass(access=access, actor=actor, reason="Now.")
        with pytest.raises(Invalid):
            access_break_glass(access=access, actor=by_grace, reason=" ")
        assert not Mail.objects.filter(kind="access-opened").exists()

    def test_what_the_customer_has_refused_is_not_broken_into(self, access, by_alice, by_grace):
        access_refuse(access=access, actor=by_alice)
        with pytest.raises(Conflict):
            access_break_glass(access=access, actor=by_grace, reason="Now.")


class TestTime:
    def test_ends_it_whether_or_not_it_was_written_down(self, access, by_alice, clock):
        granted = access_grant(access=access, actor=by_alice)
        now = portal_clock.now()
        last = now + HOUR - timedelta(seconds=1)
        assert is_open(granted, last)
        assert not is_open(granted, now + HOUR)
        assert state_at(granted, now + HOUR) == "ended"
        clock.shift(HOUR)
        with pytest.raises(Conflict, match="ended already"):
            access_end(access=access, actor=by_alice)

    def test_lets_lapse_what_nobody_answers(self, access, by_alice, by_grace, clock):
        assert is_asked(access, portal_clock.now() + 24 * HOUR - timedelta(seconds=1))
        clock.shift(24 * HOUR)
        assert state_at(access, portal_clock.now()) == "lapsed"
        with pytest.raises(Conflict):
            access_grant(access=access, actor=by_alice)
        with pytest.raises(Conflict):
            access_break_glass(access=access, actor=by_grace, reason="Now.")

    def test_is_written_down_once(self, access, trial, by_alice, by_grace, clock):
        access_grant(access=access, actor=by_alice)
        other = asked(trial, by_grace)
        assert accesses_settle() == 0
        clock.shift(24 * HOUR)
        assert accesses_settle() == 2
        assert accesses_settle() == 0
        access.refresh_from_db()
        other.refresh_from_db()
        assert (access.state, access.ended_at, access.ended_by) == ("ended", access.ends_at, None)
        assert (other.state, other.ended_at) == ("lapsed", None)
        assert (told("end").actor, told("lapse").actor_label) == (None, "the portal")

    def test_leaves_the_person_free_to_ask_again(self, access, trial, by_alice, by_ada, clock):
        access_grant(access=access, actor=by_alice)
        clock.shift(HOUR)
        asked(trial, by_ada)
        assert sorted(Access.objects.values_list("state", flat=True)) == ["asked", "ended"]

    @pytest.mark.parametrize(
        ("left", "seconds"), [(3600, 300), (310, 300), (52.9, 42), (10.5, 0), (5, 0), (0, 0), (-1, 0)]
    )
    def test_no_token_outlives_it(self, access, by_alice, left, seconds):
        granted = access_grant(access=access, actor=by_alice)
        now = portal_clock.now() + HOUR - timedelta(seconds=left)
        assert token_seconds(granted, now) == seconds

    def test_there_is_no_token_for_what_is_not_open(self, access, by_alice):
        assert token_seconds(access, portal_clock.now()) == 0
        granted = access_grant(access=access, actor=by_alice)
        ended = access_end(access=granted, actor=by_alice)
        assert token_seconds(ended, portal_clock.now()) == 0
