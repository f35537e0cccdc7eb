"""People take their data with them: who may, how often, and what is there."""

from datetime import timedelta

import pytest

from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.models import AuditEvent, Mail
from provisioning.fleet.exports import exports_of
from provisioning.models import Instance, Operation, OperationKind, OperationStatus, StepStatus
from provisioning.services.exports import export_fetch, export_refusal, instance_export
from provisioning.workflows.export import EXPORT
from tests.conftest import SUSPENDED


@pytest.fixture
def running(trial: Instance, settings) -> Instance:
    settings.GOOGLE_BACKUP_BUCKET = "kept"
    Instance.objects.filter(pk=trial.pk).update(status="running")
    Operation.objects.update(status=OperationStatus.SUCCEEDED)
    trial.refresh_from_db()
    return trial


def made(operation: Operation, *, hours_ago: float = 0) -> Operation:
    """As its step puts it out."""
    taken_at = clock.now() - timedelta(hours=hours_ago)
    outputs = {
        "uri": f"gs://kept/{operation.instance_id}/{operation.pk}/",
        "bytes": 4711,
        "databases": ["pgsql"],
        "taken_at": taken_at.isoformat(),
        "kept_until": (taken_at + timedelta(days=30)).isoformat(),
    }
    operation.steps.filter(name="export").update(status=StepStatus.DONE, outputs=outputs, finished_at=taken_at)
    Operation.objects.filter(pk=operation.pk).update(status=OperationStatus.SUCCEEDED)
    return operation


@pytest.mark.parametrize("state", [{"status": "running"}, SUSPENDED])
def test_a_built_instance_is_exported(running, by_alice, state):
    Instance.objects.update(**state)
    operation = instance_export(instance=running, actor=by_alice)
    assert (operation.kind, operation.requested_by) == (OperationKind.EXPORT, by_alice.user)
    assert [step.name for step in operation.steps.order_by("position")] == ["database", "export", "rest"]
    with pytest.raises(Conflict, match="already under way"):
        instance_export(instance=running, actor=by_alice)


def test_what_cannot_be_says_why(running, by_alice, settings):
    Instance.objects.update(status="pending")
    running.refresh_from_db()
    with pytest.raises(Invalid, match="nothing to export: this instance is pending"):
        instance_export(instance=running, actor=by_alice)
    Instance.objects.update(status="running")
    settings.GOOGLE_BACKUP_BUCKET = ""
    with pytest.raises(Invalid, match="not set up here"):
        instance_export(instance=running, actor=by_alice)


def test_everything_is_read_once_in_a_while(running, by_alice):
    made(instance_export(instance=running, actor=by_alice), hours_ago=5)
    assert export_refusal(running).endswith("the next can be had 6 hours later.")
    export = exports_of(running)[0]
    Operation.objects.get(pk=export.key).steps.filter(name="export").update(
        outputs={
            **Operation.objects.get(pk=export.key).steps.get(name="export").outputs,
            "taken_at": (clock.now() - timedelta(hours=7)).isoformat(),
        }
    )
    assert export_refusal(running) == ""


def test_what_is_kept_is_listed_until_it_is_deleted(running, by_alice):
    made(instance_export(instance=running, actor=by_alice), hours_ago=29 * 24)
    made(instance_export(instance=running, actor=by_alice), hours_ago=31 * 24)
    [export] = exports_of(running)
    assert export.place_of("pgsql") == ("kept", f"{running.pk}/{export.key}/pgsql.sql.gz")
    assert (export.databases, export.bytes, export.is_final_backup) == (("pgsql",), 4711, False)


@pytest.mark.parametrize(("database", "key"), [("codeintel", None), ("pgsql", "op-of-others")])
def test_what_is_not_kept_is_not_fetched(running, by_alice, database, key):
    operation = made(instance_export(instance=running, actor=by_alice))
    with pytest.raises(NotFound):
        export_fetch(instance=running, key=key or operation.pk, database=database, actor=by_alice)
    assert not AuditEvent.objects.filter(action="instance.export-fetched").exists()


def test_who_asked_is_told_by_mail(running, by_alice):
    operation = made(instance_export(instance=running, actor=by_alice))
    EXPORT.succeeded(Operation.objects.get(pk=operation.pk))
    assert Mail.objects.get(kind="export-ready").recipient == by_alice.user.email
    assert AuditEvent.objects.get(action="instance.exported").details["bytes"] == 4711
