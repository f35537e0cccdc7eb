"""A person closes their account."""

import pytest

from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent, Membership, Role
from portal.core.tokens import token_create, token_for
from provisioning.services.accounts import account_close, why_not_closed
from tests.conftest import member


def close(user) -> None:
    account_close(user=user, confirmation=user.email, actor=Actor(user, user.email))
    user.refresh_from_db()


def test_nobody_logs_in_as_them_and_their_tokens_are_refused(alice, acme, by_alice):
    _, secret = token_create(organization=acme, name="t", scopes=["instances:read"], actor=by_alice)
    close(alice)
    assert not alice.is_active
    assert not alice.has_usable_password()
    assert not Membership.objects.filter(user=alice).exists()
    assert token_for(secret) is None
    actions = set(AuditEvent.objects.filter(actor=alice).values_list("action", flat=True))
    assert {"account.close", "membership.end", "token.revoke"} <= actions


def test_closing_it_again_changes_nothing(alice):
    close(alice)
    close(alice)
    assert AuditEvent.objects.filter(action="account.close").count() == 1


def test_another_address_confirms_nothing(alice):
    with pytest.raises(Invalid) as refusal:
        account_close(user=alice, confirmation="alice", actor=Actor(alice, alice.email))
    assert refusal.value.field == "confirmation"


def test_who_alone_looks_after_an_instance_deletes_it_first(alice, trial):
    with pytest.raises(Conflict, match="Delete it first"):
        close(alice)
    assert Membership.objects.filter(user=alice).exists()
    type(trial).objects.filter(pk=trial.pk).update(status="deleted")
    assert why_not_closed(alice) == ""
    close(alice)


def test_the_only_owner_does_not_leave_colleagues_behind(alice, bob, acme):
    with pytest.raises(Conflict, match="only owner of Acme"):
        close(alice)
    member(acme, "erin@acme.example", Role.OWNER, "Erin")
    close(alice)
    assert acme.memberships.count() == 2


def test_a_colleague_leaves_whatever_there_is(bob, alice, trial):
    close(bob)
    assert trial.organization.memberships.get().user == alice


def test_an_account_of_ours_is_left_to_admins(sam):
    with pytest.raises(Conflict, match="administrator"):
        close(sam)
