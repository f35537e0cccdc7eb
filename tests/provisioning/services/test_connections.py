"""How the other side has answered is asked for again and again, and written down when it has changed."""

import pytest

from portal.core.models import AuditEvent
from provisioning.models import Instance
from provisioning.services.connections import connection_refresh, connections_send_all
from tests.provisioning.steps.conftest import devcloud, devcloud_server, world
from tests.provisioning.steps.test_private_endpoint import GIT, connected, publish, wanted

__all__ = ["connected", "devcloud", "devcloud_server", "wanted", "world"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connected_instance(connected, trial) -> Instance:
    """The row of the instance that has the endpoint."""
    Instance.objects.filter(pk=trial.pk).update(
        id=connected.spec.id, region=connected.spec.region, status="running", connection_status="PENDING"
    )
    return Instance.objects.get(pk=connected.spec.id)


def test_an_answer_is_written_down_once_and_audited(connected_instance, devcloud):
    publish(devcloud, GIT, accept="*")
    for _ in range(2):
        connection_refresh(connected_instance.pk)
    connected_instance.refresh_from_db()
    assert connected_instance.connection_status == "ACCEPTED"
    assert AuditEvent.objects.get(action="instance.connection").details == {"from": "PENDING", "to": "ACCEPTED"}


def test_what_cannot_be_asked_stays_as_it_was(connected_instance, devcloud):
    publish(devcloud, GIT, accept="*")
    devcloud.add_fault("compute.forwardingRules.get", "status", status=503)
    connection_refresh(connected_instance.pk)
    assert Instance.objects.get(pk=connected_instance.pk).connection_status == "PENDING"


def test_a_connection_that_has_ended_is_let_be(connected_instance, devcloud):
    publish(devcloud, GIT, accept="*")
    Instance.objects.update(connection_status="")
    connection_refresh(connected_instance.pk)
    assert Instance.objects.get(pk=connected_instance.pk).connection_status == ""


def test_only_who_has_one_is_asked(trial, monkeypatch, django_assert_num_queries):
    sent: list[list[str]] = []
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda _app, _name, args, **_more: sent.append(args))
    Instance.objects.update(status="running")
    with django_assert_num_queries(1):
        connections_send_all()
    assert sent == []
    Instance.objects.update(connection_status="PENDING")
    connections_send_all()
    assert sent == [[trial.pk]]
