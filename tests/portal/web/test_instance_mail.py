"""Who is told when an operation ends."""

import pytest
from django.core import mail as outbox

from portal.core import mail
from portal.core.models import Mail
from portal.web.instance_mail import tell_staff


@pytest.fixture
def stopped(running, by_alice):
    """Alice's provisioning, which has failed."""
    operation = running.operations.get()
    operation.status, operation.error = "failed", "The quota is used up. Ask for more."
    operation.finished_at = operation.created_at
    operation.save()
    return operation


def test_everybody_who_runs_the_fleet_is_told_what_stopped(stopped, ada, sam):
    tell_staff(stopped)
    mail.send_due()
    [letter] = outbox.outbox
    assert letter.to == [ada.email]
    assert letter.subject == f"Provision of {stopped.instance.slug} is failed"
    assert "The quota is used up" in letter.body
    assert f"/admin/provisioning/operation/{stopped.pk}/" in letter.body


def test_once_each_time_it_stops(stopped, ada):
    tell_staff(stopped)
    tell_staff(stopped)
    assert Mail.objects.filter(kind="operation-stopped").count() == 1


def test_nobody_is_troubled_by_what_goes_well(stopped, ada):
    stopped.status = "succeeded"
    tell_staff(stopped)
    assert not Mail.objects.filter(kind="operation-stopped").exists()
