"""The audit's chain: whatever is done to what was written is found."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from portal.core import tasks
from portal.core.audit import Actor, record
from portal.core.models import AuditEvent, AuditSeal
from portal.core.sealing import chain_verify, events_seal

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(acme, alice) -> list[AuditEvent]:
    """Three events in the chain."""
    actor = Actor(alice, alice.email, "203.0.113.7")
    for name in ("one", "two", "three"):
        record("organization.rename", acme, organization_id=acme.pk, actor=actor, reason=name, details={"to": name})
    events_seal()
    return list(AuditEvent.objects.order_by("id"))


def by_force(statement: str, *values: int) -> None:
    """As somebody with all rights on the database: past the triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def test_what_was_written_is_whole(sealed):
    found = chain_verify()
    assert (found.seals, found.faults) == (len(sealed), ())
    assert found.head == str(AuditSeal.objects.last())


def test_sealing_again_seals_nothing_twice(sealed, acme):
    assert events_seal() == 0
    record("organization.rename", acme, actor_label="test")
    assert (events_seal(), events_seal()) == (1, 0)
    assert chain_verify().faults == ()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "'other'"),
        ("details", '\'{"to": "other"}\''),
        ("actor_label", "'mallory@acme.example'"),
        ("actor_id", "NULL"),
        ("action", "'organization.look'"),
        ("at", "at + interval '1 microsecond'"),
        ("source_address", "'203.0.113.8'"),
        ("object_id", "'org-other'"),
        ("object_type", "'instance'"),
        ("organization_id", "NULL"),
    ],
)
def test_a_change_of_anything_is_found(sealed, column, value):
    by_force(f"UPDATE core_auditevent SET {column} = {value} WHERE id = %s", sealed[1].pk)  # noqa: S608 - columns named in this file
    [fault] = chain_verify().faults
    assert fault.startswith(f"The event {sealed[1].pk} of seal {AuditSeal.objects.get(event=sealed[1]).number}")


def test_an_event_that_is_gone_is_found(sealed):
    by_force("DELETE FROM core_auditevent WHERE id = %s", sealed[1].pk)
    assert "is gone" in chain_verify().faults[0]


def test_a_seal_that_is_gone_is_found(sealed):
    by_force("DELETE FROM core_auditseal WHERE event_id = %s", sealed[1].pk)
    number = AuditSeal.objects.get(event=sealed[0]).number + 1
    assert f"There is no seal from {number} to {number}." in chain_verify().faults


def test_an_end_that_was_cut_off_is_found_by_the_head_that_was_kept(sealed):
    head = chain_verify().head
    by_force("DELETE FROM core_auditseal WHERE event_id = %s", sealed[2].pk)
    by_force("DELETE FROM core_auditevent WHERE id = %s", sealed[2].pk)
    assert chain_verify().faults == ()
    assert chain_verify(head=head).faults == (f"The seal {head} is not in the chain: its end was cut off.",)


def test_an_event_that_was_never_sealed_is_found_after_an_hour(sealed):
    by_force(
        "INSERT INTO core_auditevent (at, actor_label, action, object_type, object_id, reason, details) "
        "VALUES (now() - interval '2 days', 'mallory', 'organization.look', 'organization', 'x', '', '{}')"
    )
    assert events_seal() == 0  # only the last day is looked through every time
    assert chain_verify().faults == ("1 events are older than an hour and have no seal.",)


def test_the_nightly_run_seals_what_is_left_and_says_the_head(sealed, caplog):
    by_force("UPDATE core_auditevent SET reason = 'other' WHERE id = %s", sealed[0].pk)
    tasks.verify_audit()
    assert "audit.not-whole" in caplog.text
    assert str(AuditSeal.objects.last()) in caplog.text


def test_the_command_says_whether_it_is_whole(sealed, capsys):
    call_command("audit_verify")
    assert capsys.readouterr().out.startswith(f"Whole: {AuditSeal.objects.count()} events are chained.")
    by_force("UPDATE core_auditevent SET reason = 'other' WHERE id = %s", sealed[0].pk)
    with pytest.raises(CommandError, match="The audit is not whole: 1 faults"):
        call_command("audit_verify")


@pytest.mark.parametrize("change", [lambda seals: seals.update(digest="0"), lambda seals: seals.get(number=1).delete()])
def test_the_database_refuses_to_change_a_seal(sealed, change):
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        change(AuditSeal.objects.all())


@pytest.mark.django_db(transaction=True)
def test_two_who_seal_at_once_make_one_chain(acme):
    for _ in range(50):
        record("organization.rename", acme, actor_label="test")

    def seal() -> None:
        events_seal()
        connection.close()

    workers = [threading.Thread(target=seal) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    events_seal()
    assert AuditSeal.objects.count() == AuditEvent.objects.count()
    assert chain_verify().faults == ()
