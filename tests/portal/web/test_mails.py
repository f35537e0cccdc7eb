"""The mails about instances."""

import pytest
from django.core import mail as outbox
from django.template.loader import render_to_string
from django.utils import timezone

from portal.core.mail import send_due
from portal.core.models import Mail
from provisioning.models import OperationStatus
from provisioning.services import instance_delete
from provisioning.signals import operation_finished
from tests.portal.web.watching import ended

READY = {
    "name": "acme",
    "domain": "acme.sourcegraph.localhost",
    "url": "https://acme.sourcegraph.localhost",
    "portal_link": "https://portal.example/",
}


@pytest.mark.parametrize("link", ["https://acme.sourcegraph.localhost/password-reset?code=1&user=2", ""])
@pytest.mark.parametrize("ending", ["subject.txt", "txt", "html"])
def test_the_ready_mail_can_be_written_with_and_without_the_link(ending, link):
    text = render_to_string(f"mail/instance-ready.{ending}", {**READY, "admin_link": link})
    assert "acme" in text
    if ending == "txt":
        assert link in text
        assert READY["url"] in text


def test_the_end_of_a_deletion_is_mailed_to_who_asked_for_it_once(running, by_alice, alice):
    teardown = instance_delete(instance=running, confirmation="acme", actor=by_alice)
    ended(teardown, OperationStatus.SUCCEEDED)
    for _ in range(2):
        operation_finished.send(sender=type(teardown), operation=teardown)
    assert send_due() == 1
    assert outbox.outbox[0].to == [alice.email]
    assert outbox.outbox[0].subject == "acme is deleted"
    assert running.pk in str(outbox.outbox[0].body)


@pytest.mark.parametrize("status", [OperationStatus.FAILED, OperationStatus.CANCELLED])
def test_an_end_that_is_none_is_not_mailed(setup, running, by_alice, status):
    teardown = instance_delete(instance=running, confirmation="acme", actor=by_alice)
    ended(teardown, status)
    operation_finished.send(sender=type(teardown), operation=teardown)
    assert not Mail.objects.exists()


def test_a_mail_about_a_change_says_when_and_from_where(alices, alice):
    Mail.objects.create(
        key="changed",
        kind="account-changed",
        recipient=alice.email,
        context={"sentence": "Your password was changed.", "at": f"{timezone.now()}", "source_address": "192.0.2.1"},
    )
    assert send_due() == 1
    assert outbox.outbox[0].subject == "Your password was changed."
    assert "192.0.2.1" in str(outbox.outbox[0].body)
