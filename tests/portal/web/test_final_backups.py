"""A final backup is offered before a deletion, and told of after it."""

import pytest
from django.core import mail as outbox
from django.urls import reverse

from portal.core.mail import send_due
from portal.core.models import Mail
from provisioning.models import Instance, OperationKind
from provisioning.services import instance_end
from provisioning.signals import operation_finished
from tests.conftest import SUSPENDED
from tests.portal.web.watching import deleted
from tests.provisioning.services.test_final_backups import BY_BILLING, MADE

KEPT = {**MADE, "resource": MADE["uri"], "confirmed": "Kept: 3 databases, 4,711 bytes."}


@pytest.fixture
def running(running: Instance, settings) -> Instance:
    settings.GOOGLE_BACKUP_BUCKET = "kept"
    Instance.objects.update(status="running")
    return running


@pytest.fixture
def kept(running, by_alice):
    """The deletion of acme's instance, with a backup."""
    return deleted(running, by_alice, {"final-backup": KEPT})


def page(instance, name="instance_delete") -> str:
    return reverse(name, args=[instance.pk])


def teardown_of(instance):
    return instance.operations.get(kind=OperationKind.TEARDOWN)


@pytest.mark.parametrize(("kind", "is_checked"), [("trial", False), ("production", True)])
def test_it_is_offered_as_is_usual(alices, running, kind, is_checked):
    if kind == "production":
        Instance.objects.update(kind=kind, trial_ends_at=None)
    shown = alices.get(page(running)).content.decode()
    assert "Keep a last backup of its databases for 30 days" in shown
    assert ('id="id_final_backup" checked' in shown) is is_checked


@pytest.mark.parametrize(("sent", "inputs"), [({"final_backup": "on"}, {"final_backup": True}), ({}, {})])
def test_what_was_ticked_is_what_is_done(alices, running, sent, inputs):
    Instance.objects.update(kind="production", trial_ends_at=None)
    alices.post(page(running), {"confirmation": "acme", **sent})
    assert teardown_of(running).inputs == inputs


def test_without_a_bucket_nobody_is_promised_one(alices, running, settings):
    settings.GOOGLE_BACKUP_BUCKET = ""
    Instance.objects.update(kind="production", trial_ends_at=None)
    assert "last backup" not in alices.get(page(running)).content.decode()
    alices.post(page(running), {"confirmation": "acme"})
    assert teardown_of(running).inputs == {"final_backup": True}  # its step says that there is no bucket


def test_the_certificate_and_the_page_say_until_when_it_is_kept(alices, running, kept):
    certificate = alices.get(page(running, "certificate")).content.decode()
    told, _, objects = certificate.partition("What is kept for a while")
    assert "gs://kept/src-1/op-1/" in objects
    assert "gs://kept" not in told
    shown = alices.get(page(running, "instance_detail")).content.decode()
    assert "A last backup of its databases is kept until" in shown
    assert "Nothing of it can be brought back" not in shown


def test_the_mail_says_until_when_it_is_kept(running, kept, alice):
    operation_finished.send(sender=type(kept), operation=kept)
    assert send_due() == 1
    assert "is kept until 24 December 2026" in str(outbox.outbox[0].body)
    assert "because you asked for its deletion" in str(outbox.outbox[0].body)


def test_what_ended_by_itself_is_told_to_its_owners_once_each(running, alice, bob):
    Instance.objects.update(**SUSPENDED, admin_email="former@acme.example")
    operation = instance_end(instance=running, actor=BY_BILLING, reason="It has ended.")
    operation.status = "succeeded"
    operation.save()
    operation.refresh_from_db()
    for _ in range(2):
        operation_finished.send(sender=type(operation), operation=operation)
    told = sorted(Mail.objects.values_list("recipient", flat=True))
    assert told == [alice.email, "former@acme.example"]
    assert send_due() == 2
    assert "because you ran this instance" in str(outbox.outbox[0].body)
